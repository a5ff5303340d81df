// SPDX-License-Identifier: Apache-2.0
import { isLinkName } from '../../policy/device/link-name.ts';

/**
 * Whether a link is a device of ours in the node's namespace: pods' business and not a fact of the node. The watch leaves
 * them out, since they come and go with every Allocate; whoever wants them reads the links anew.
 */
export function isOwnMacvtap({ name, kind }: { readonly name: string; readonly kind?: string | undefined }): boolean {
  return kind === 'macvtap' && isLinkName(name);
}
