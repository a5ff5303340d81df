// SPDX-License-Identifier: Apache-2.0
import { signalScope } from '../runtime/run-command.ts';

// This must come before the imports below. They take time, and a signal that arrives meanwhile must also end the
// process cleanly.
using scope = signalScope();
const { serviceNames } = await import('../certs/certificate-state.ts');
const { stateKeys } = await import('../certs/certificate-store.ts');
const { createDirectoryStore, publishToFile } = await import('../certs/directory-store.ts');
const { followFiles } = await import('../certs/served-certificate.ts');
const { renewCertificate } = await import('../certs/renew-certificate.ts');
const { openLog } = await import('../runtime/log.ts');
const { exitCode, runCommand } = await import('../runtime/run-command.ts');
const { readCertificateSettings, webhookLine } = await import('./config.ts');
const { runWebhook } = await import('./run-webhook.ts');
const { clusterCertificates } = await import('./tls/follow-certificate.ts');

await runCommand(webhookLine, async (config) => {
  const { certificates, 'cert-dir': directory, 'service-name': name, namespace } = config;
  const names = serviceNames({ name, namespace });
  const settings = readCertificateSettings(config);
  using logging = openLog(config['log-level'], config['log-level-file']);
  await runWebhook(config, logging.log, scope.signal, ({ origin }, onEvent, signal) => {
    if (certificates === 'files') return followFiles({ directory });
    if (origin.kind === 'cluster') {
      return renewCertificate({
        ...clusterCertificates(origin.client, config, stateKeys),
        names,
        settings,
        signal,
        onEvent,
      });
    }
    const publisher = publishToFile(`${directory}/ca.crt`);
    const local = [...names, 'localhost', '127.0.0.1', '::1'];
    return renewCertificate({ store: createDirectoryStore(directory), publisher, names: local, settings, onEvent });
  });
  return exitCode.done;
});
