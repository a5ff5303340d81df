// SPDX-License-Identifier: Apache-2.0
import type { Source } from '../cluster/source.ts';
import type { MacvtapError } from '../runtime/errors.ts';
import { formatAddress, type ListenAddress } from '../runtime/listen-address.ts';
import type { Log } from '../runtime/log.ts';
import type { ReviewRecorder } from './record-reviews.ts';
import type { CertificateSource, CertificateStep } from './tls/certificate-source.ts';
import type { Validity } from './tls/watch-expiry.ts';

/** What the webhook tells of itself: one line for each decision, with its object and cause. */
export function createNotices(
  log: Log,
  recorder: Pick<ReviewRecorder, 'leader' | 'policyStatus' | 'certificateFaults'>,
) {
  return {
    health: (address: ListenAddress) => log.info({ address: formatAddress(address) }, 'health and metrics are served'),
    listening: (address: ListenAddress) => log.info({ address: formatAddress(address) }, 'reviews are answered'),
    offers: (error: MacvtapError) =>
      log.error({ error }, 'what is offered could not be updated; what was known counts'),
    certificate: (error: MacvtapError) => log.error({ error }, 'a certificate cannot be served'),
    served: (serial: string, expiresMs: number) =>
      log.info({ serial, expires: new Date(expiresMs).toISOString() }, 'a new certificate is served'),
    overdue: ({ expiresMs }: Validity) =>
      log.error(
        { expires: new Date(expiresMs).toISOString() },
        'the certificate should have been renewed and was not; when it has expired, no review is answered',
      ),
    /** What is served is told by `served`, whoever keeps the certificate. */
    certificateStep: ({ what, pair }: CertificateStep) => {
      if (what === 'serve') return;
      const fields = pair && { serial: pair.serial, notAfter: new Date(pair.notAfterMs).toISOString() };
      log.info({ step: what, ...fields }, 'the certificate that replicas share took a step');
    },
    leader(isHolder: boolean) {
      recorder.leader(isHolder);
      log.info({ isHolder }, isHolder ? 'the Lease is held here' : 'the Lease is no longer held here');
    },
    lease(error: MacvtapError | undefined) {
      if (error === undefined) log.info({}, 'the Lease can be read and written again');
      else log.warn({ error }, 'the Lease is out of reach; it is tried again');
    },
    policyStatus(policy: string) {
      recorder.policyStatus('written');
      log.info({ policy }, "a policy's status is written");
    },
    /** Told by `statuses`, but not each time. */
    failedPolicyStatus: (_policy: string) => recorder.policyStatus('failed'),
    statuses(error: MacvtapError | undefined) {
      if (error === undefined) log.info({}, 'the status of policies is written again');
      else log.warn({ error }, 'the status of policies cannot be written as it should be; it is tried again');
    },
    duty: (error: MacvtapError) => log.error({ error }, 'what the holder of the Lease does failed by a bug'),
    ending: ({ reason }: AbortSignal) => log.info({ signal: String(reason) }, 'ending; reviews under way are answered'),
    /** Each fault once for as long as it stays, and its end. */
    sourceFaults: (source: Pick<Source, 'faults' | 'onChange'>) =>
      tellNew(
        source,
        ({ where, message, isOutage }) =>
          log.warn(
            { where, fault: message },
            isOutage ? 'the newest state is not in force' : 'an object is not taken in as it is',
          ),
        ({ where, message }) => log.info({ where, fault: message }, 'mended'),
      ),
    certificateFaults: (source: Pick<CertificateSource, 'faults' | 'onChange'>) =>
      tellNew(
        source,
        ({ code, message }) => log.warn({ code, fault: message }, 'the certificate needs attention'),
        ({ code, message }) => log.info({ code, fault: message }, 'the certificate is looked after again'),
        recorder.certificateFaults,
      ),
  };
}

/** Tells what is among the faults now and was not before, and what no longer is. */
function tellNew<Fault extends { readonly message: string }>(
  source: { readonly faults: readonly Fault[]; onChange(listener: () => void): Disposable },
  tell: (fault: Fault) => void,
  tellMended: (fault: Fault) => void,
  count: (faults: number) => void = () => {},
): Disposable {
  let told: ReadonlyMap<string, Fault> = new Map();
  const look = (): void => {
    const faults = new Map(source.faults.map((fault) => [JSON.stringify(fault), fault]));
    for (const [text, fault] of faults) if (!told.has(text)) tell(fault);
    for (const [text, fault] of told) if (!faults.has(text)) tellMended(fault);
    told = faults;
    count(faults.size);
  };
  look();
  return source.onChange(look);
}
