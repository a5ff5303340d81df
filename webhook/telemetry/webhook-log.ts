// SPDX-License-Identifier: Apache-2.0
import type { WrittenClass } from '../../cluster/report/leader/device-classes.ts';
import type { Source } from '../../cluster/source.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import { formatAddress, type ListenAddress } from '../../runtime/listen-address.ts';
import type { Log } from '../../runtime/log.ts';
import type { LiveOffers } from '../review/live-offers.ts';
import type { CertificateSource, CertificateStep, Validity } from '../tls/follow-certificate.ts';
import type { WebhookRecorder } from './webhook-metrics.ts';

/** Creates the functions that write the webhook's log lines. Each decision is one line with its object and cause. */
export function createWebhookLog(
  log: Log,
  recorder: Pick<WebhookRecorder, 'leader' | 'policyStatus' | 'deviceClass' | 'certificateProblems' | 'leftOut'>,
) {
  return {
    health: (address: ListenAddress) => log.info({ address: formatAddress(address) }, 'health and metrics are served'),
    listening: (address: ListenAddress) => log.info({ address: formatAddress(address) }, 'reviews are answered'),
    offers: (error: MacvtapError) =>
      log.error(
        { error },
        'a bug prevents the offers from being updated; the webhook is not ready until an update succeeds',
      ),
    /**
     * Counts the nodes whose reports are left out. They are not logged here: the source already logs each reason, and
     * bugs are reported separately.
     */
    leftOut: (offers: Pick<LiveOffers, 'leftOut' | 'onChange'>) => {
      const count = (): void => recorder.leftOut(offers.leftOut.size);
      count();
      return offers.onChange(count);
    },
    certificate: (error: MacvtapError) =>
      log.error({ error }, 'a certificate cannot be served; the previous one stays in use'),
    clientCa: (error: MacvtapError) =>
      log.warn({ error }, 'cannot reload the client CAs; the previous ones stay in force'),
    served: (serial: string, expiresMs: number) =>
      log.info({ serial, expires: new Date(expiresMs).toISOString() }, 'a new certificate is served'),
    overdue: ({ expiresMs }: Validity) =>
      log.error(
        { expires: new Date(expiresMs).toISOString() },
        'the certificate should have been renewed, but was not; after its expiry, no admission request is answered',
      ),
    /** Skips the step `serve`, because `served` logs it for all kinds of sources. */
    certificateStep: ({ what, pair }: CertificateStep) => {
      if (what === 'serve') return;
      const fields = pair && { serial: pair.serial, notAfter: new Date(pair.notAfterMs).toISOString() };
      log.info({ step: what, ...fields }, 'certificate renewal step completed');
    },
    leader(isHolder: boolean) {
      recorder.leader(isHolder);
      log.info({ isHolder }, isHolder ? 'the Lease is held here' : 'the Lease is no longer held here');
    },
    lease(error: MacvtapError | undefined) {
      if (error === undefined) log.info({}, 'the Lease can be read and written again');
      else log.warn({ error }, 'the Lease cannot be read or written; trying again');
    },
    policyStatus(policy: string) {
      recorder.policyStatus('written');
      log.info({ policy }, "a policy's status is written");
    },
    /** Only counts. `statuses` logs the first failure and the recovery. */
    failedPolicyStatus: (_policy: string) => recorder.policyStatus('failed'),
    statuses(error: MacvtapError | undefined) {
      if (error === undefined) log.info({}, 'the status of policies is written again');
      else log.warn({ error }, 'cannot write the status of all policies; trying again');
    },
    deviceClass({ deviceClass, change }: WrittenClass) {
      recorder.deviceClass(change);
      log.info({ deviceClass, change }, 'a DeviceClass is written');
    },
    deviceClasses(error: MacvtapError | undefined) {
      if (error === undefined) log.info({}, 'DeviceClasses are complete again');
      else log.warn({ error }, 'cannot keep all DeviceClasses; trying again');
    },
    duty: (error: MacvtapError) => log.error({ error }, 'a task of the Lease holder failed because of a bug'),
    ending: ({ reason }: AbortSignal) =>
      log.info({ signal: String(reason) }, 'ending; requests under way are still answered'),
    /** Logs each problem of the source when it appears, and when it ends. */
    sourceFaults: (source: Pick<Source, 'faults' | 'onChange'>) =>
      logChanges(
        () => source.faults,
        source,
        ({ where, message, isOutage }) =>
          log.warn(
            { where, fault: message },
            isOutage ? 'the source cannot be read, so newer objects are unknown' : 'an object has an error',
          ),
        ({ where, message }) => log.info({ where, fault: message }, 'problem of the source resolved'),
      ),
    certificateProblems: (source: Pick<CertificateSource, 'problems' | 'onChange'>) =>
      logChanges(
        () => source.problems,
        source,
        ({ code, message }) => log.warn({ code, fault: message }, 'the certificate needs attention'),
        ({ code, message }) => log.info({ code, fault: message }, 'problem of the certificate resolved'),
        recorder.certificateProblems,
      ),
  };
}

/** Logs each item that appears in a list or disappears from it. */
function logChanges<Item extends { readonly message: string }>(
  read: () => readonly Item[],
  source: { onChange(listener: () => void): Disposable },
  logNew: (item: Item) => void,
  logGone: (item: Item) => void,
  count: (items: number) => void = () => {},
): Disposable {
  let logged: ReadonlyMap<string, Item> = new Map();
  const look = (): void => {
    const items = new Map(read().map((item) => [JSON.stringify(item), item]));
    for (const [text, item] of items) if (!logged.has(text)) logNew(item);
    for (const [text, item] of logged) if (!items.has(text)) logGone(item);
    logged = items;
    count(items.size);
  };
  look();
  return source.onChange(look);
}
