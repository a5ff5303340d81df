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

/** `password: x`, `"token":"x"`, `--client-secret=x`, also as JSON within a text; a key that ends so is one, too. */
const namedValue =
  /((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|private[-_]?key|credentials?)(?:\\*["'])?\s*[:=]\s*)(\\+"[^"]*"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;}"']+)/gi;

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
    .replaceAll(userInfo, `$1${hidden}@`)
    .replaceAll(namedValue, `$1${hidden}`);
}
