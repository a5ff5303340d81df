// SPDX-License-Identifier: Apache-2.0
import { signalScope } from '../runtime/signals.ts';

// Before all else: what is imported below takes its time, and a signal that comes meanwhile must end this in order, too.
using scope = signalScope();
const { createDirectoryStore } = await import('../certs/directory-store.ts');
const { followFiles } = await import('../certs/follow-files.ts');
const { keepCertificate } = await import('../certs/keep-certificate.ts');
const { serviceNames } = await import('../certs/names.ts');
const { publishToFile } = await import('../certs/publish-to-file.ts');
const { stateKeys } = await import('../certs/state-codec.ts');
const { openLog } = await import('../runtime/open-log.ts');
const { exitCode, runCommand } = await import('../runtime/run-command.ts');
const { readCertificateSettings, webhookLine } = await import('./config.ts');
const { runWebhook } = await import('./run-webhook.ts');
const { clusterCertificates } = await import('./tls/cluster-certificates.ts');

await runCommand(webhookLine, async (config) => {
  const { certificates, 'cert-dir': directory, 'service-name': name, namespace } = config;
  const names = serviceNames({ name, namespace });
  const settings = readCertificateSettings(config);
  using logging = openLog(config['log-level'], config['log-level-file']);
  await runWebhook(config, logging.log, scope.signal, ({ origin }, onEvent, signal) => {
    if (certificates === 'files') return followFiles({ directory });
    if (origin.kind === 'cluster') {
      return keepCertificate({
        ...clusterCertificates(origin.client, config, stateKeys),
        names,
        settings,
        signal,
        onEvent,
      });
    }
    const publisher = publishToFile(`${directory}/ca.crt`);
    const local = [...names, 'localhost', '127.0.0.1', '::1'];
    return keepCertificate({ store: createDirectoryStore(directory), publisher, names: local, settings, onEvent });
  });
  return exitCode.done;
});
