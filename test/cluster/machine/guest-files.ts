// SPDX-License-Identifier: Apache-2.0
import { cniConfigs, cniFolder, multusKubeconfig } from '../configs/cni-config.ts';
import { bridge, type NodePlan, nodeAddress, uplink, wireMTU } from '../layout.ts';
import { cardsOf, nicsOf, portNames, switchBonds } from './nics.ts';

/** Files with their texts, by their paths without the leading slash. */
export type Files = Readonly<Record<string, string>>;

export interface NodeSecrets {
  readonly caFile: string;
  readonly kubeletKubeconfig: string;
  readonly multusKubeconfig: string;
  readonly kubeletConfig: string;
  /** The public key that may log in as root. */
  readonly loginKey: string;
}

/** Returns the files that differ between machines. The others are in the folder `files` next to this file. */
export function guestFiles(plan: NodePlan, secrets: NodeSecrets): Files {
  return {
    'etc/hostname': `${plan.name}\n`,
    'etc/hosts': `127.0.0.1 localhost\n${nodeAddress(plan)} ${plan.name}\n`,
    // Nothing has a name here but the node, and kubelet needs the file.
    'etc/resolv.conf': '',
    'root/.ssh/authorized_keys': secrets.loginKey,
    'etc/kubernetes/ca.crt': secrets.caFile,
    'etc/kubernetes/kubelet.kubeconfig': secrets.kubeletKubeconfig,
    'etc/kubernetes/kubelet.json': secrets.kubeletConfig,
    'etc/kubernetes/node': nodeVariables(plan),
    [multusKubeconfig.slice(1)]: secrets.multusKubeconfig,
    // Machines have thin Multus, also in a cluster with thick Multus.
    ...Object.fromEntries(
      Object.entries(cniConfigs(plan, 'thin')).map(([file, config]) => [
        `${cniFolder.slice(1)}/${file}`,
        JSON.stringify(config, null, 2),
      ]),
    ),
    'etc/machine-switch': switchBonds(plan)
      .map(({ name, ports, uplink }) => `${name} ${uplink} ${ports.join(' ')}\n`)
      .join(''),
    ...networkFiles(plan),
  };
}

function nodeVariables(plan: NodePlan): string {
  const labels = Object.entries(plan.labels).map(([label, value]) => `${label}=${value}`);
  return `NAME=${plan.name}\nADDRESS=${nodeAddress(plan)}\nLABELS=${labels.join(',')}\n`;
}

/**
 * Returns the settings of systemd-networkd. Each card gets its name by its permanent MAC address, also when it is
 * plugged in again, and the names that udev would have given it as further names.
 */
function networkFiles(plan: NodePlan): Files {
  const folder = 'etc/systemd/network';
  const files: Record<string, string> = {};
  for (const { name, mac } of cardsOf(plan)) {
    files[`${folder}/10-${name}.link`] = section('Match', `PermanentMACAddress=${mac}`).concat(
      section('Link', `Name=${name}`, 'AlternativeNamesPolicy=database onboard slot path', 'MACAddressPolicy=none'),
    );
  }
  files[`${folder}/20-${uplink}.network`] = section('Match', `Name=${uplink}`).concat(
    section('Network', `Address=${nodeAddress(plan)}/${bridge.prefixLength}`, `Gateway=${bridge.address}`, ...quiet),
  );
  for (const nic of nicsOf(plan)) {
    files[`${folder}/20-${nic.name}.network`] = section('Match', `Name=${nic.name}`).concat(
      section('Link', `MTUBytes=${wireMTU}`),
      section('Network', ...quiet),
    );
    if (nic.bond === undefined) continue;
    const rate = nic.bond === '802.3ad' ? ['LACPTransmitRate=fast'] : [];
    files[`${folder}/10-${nic.name}.netdev`] = section('NetDev', `Name=${nic.name}`, 'Kind=bond').concat(
      section('Bond', `Mode=${nic.bond}`, 'MIIMonitorSec=100ms', ...rate),
    );
    for (const port of portNames(nic)) {
      files[`${folder}/20-${port}.network`] = section('Match', `Name=${port}`).concat(
        section('Link', `MTUBytes=${wireMTU}`),
        section('Network', `Bond=${nic.name}`),
      );
    }
  }
  return files;
}

/** The node speaks on none of its NICs: no address, no router, no neighbours. */
const quiet = ['LinkLocalAddressing=no', 'IPv6AcceptRA=no', 'LLDP=no', 'ConfigureWithoutCarrier=yes'];

function section(name: string, ...lines: readonly string[]): string {
  return `[${name}]\n${lines.join('\n')}\n`;
}
