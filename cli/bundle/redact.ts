// SPDX-License-Identifier: Apache-2.0

const hidden = '[removed]';

/** A key, certificate or other block of PEM, whole, or to its end where it is cut; only certificates are no secret. */
const pem = /-----BEGIN (?!CERTIFICATE-----)[A-Z0-9 ]+-----(?:[\s\S]*?-----END [A-Z0-9 ]+-----|[\s\S]*$)/g;

/** The same in base64, as Secrets hold it: "-----BEGIN " at each of the three offsets. */
const encodedPEM = /(?:LS0tLS1CRUdJT|0tLS0tQkVHSU4|tLS0tLUJFR0lOI)[A-Za-z0-9+/=]{16,}/g;

/** A JSON web token, as service accounts have. */
const webToken = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;

/** What an HTTP header or a command line hands over. */
const credentials = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;

/** A user with a password in the address of something. */
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/:@"']+:[^\s/@"']+@/gi;

/** The same with a scheme of anybody's. */
const authorization = /(\bauthorization(?:\\*["'])?\s*[:=]\s*(?:\\*["'])?)(?!\[removed)[^\s"'\\]+\s+[^\s"'\\]{8,}/gi;

/** Tokens that tell by their beginning whose they are: GitHub's, Slack's and AWS' keys. */
const ownedToken = /\b(?:gh[opusr]_\w{20,}|github_pat_\w{20,}|xox[abeoprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16})\b/g;

/** `password: x`, `"token":"x"`, `--client-secret=x`, also as JSON within a text; a key that ends so is one, too. */
const namedValue =
  /((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|client[-_]key[-_]data|credentials?)(?:\\*["'])?\s*[:=]\s*)([|>][-+\d]*\n(?:[ \t]+[^\n]*(?:\n|$))+|\\+"[^"]*"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;}"']+)/gi;

/**
 * A text without what looks like a secret. Nothing that a bundle takes up should hold one; this is for what a person wrote
 * into the wrong place, and for what a log repeats.
 */
export function redact(text: string): string {
  return text
    .replaceAll(pem, hidden)
    .replaceAll(encodedPEM, hidden)
    .replaceAll(webToken, hidden)
    .replaceAll(credentials, `$1 ${hidden}`)
    .replaceAll(authorization, `$1${hidden}`)
    .replaceAll(ownedToken, hidden)
    .replaceAll(userInfo, `$1${hidden}@`)
    .replaceAll(namedValue, (_, name: string, value: string) => `${name}${hidden}${value.endsWith('\n') ? '\n' : ''}`);
}
