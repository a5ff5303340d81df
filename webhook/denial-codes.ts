// SPDX-License-Identifier: Apache-2.0
import type { ReasonCode } from '../policy/reasons.ts';
import type { Endpoint } from './admission/judgement.ts';

/**
 * The codes by which an object of a kind can be denied: those of the rules in its folder of policy/, which a test holds
 * against this. They bound the label of a metric: some thirty series, where all reasons of all kinds would be 200.
 */
export const denialCodes: Readonly<Record<Endpoint['kind'], readonly ReasonCode[]>> = {
  NetworkAttachmentDefinition: [
    'ConfigNotJson',
    'IllegalMac',
    'IllegalMtu',
    'IllegalNetworkName',
    'IllegalOwner',
    'IllegalPromiscMode',
    'IllegalValue',
    'IpamUnsupported',
    'ModeNotOffered',
    'PluginsTooMany',
    'ResourceForeign',
    'ResourceMissing',
    'ResourceUnknown',
    'TypeMissing',
    'UnknownMode',
    'UnknownModeFrom',
    'UnsupportedCniVersion',
  ],
  Pod: ['NamespaceNotAdmitted', 'NamespaceUnknown'],
  MacvtapNetworkNodePolicy: [
    'BadFieldRequirement',
    'BadGlob',
    'BadLabel',
    'BadRequirement',
    'BadSelectorValue',
    'IllegalResourceName',
    'NameInBothForms',
    'ParentAmbiguous',
    'PassthruQuantity',
    'PolicyOutsideNamespace',
    'SchemaFault',
  ],
};
