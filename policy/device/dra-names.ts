// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../json.ts';
import { deviceIDOf, parseDeviceID, xxhash64 } from './device-id.ts';

/** The name of the DRA driver. It is also the domain of the driver's attributes, labels and taints. */
export const draDriver = 'macvtap.network.kubevirt.io';

/** The label of a Node that overrides the chart's value node.allocation, with the same values. */
export const allocationLabel = `${draDriver}/allocation`;

/** The keys of the taints that devices have while their parent has no carrier, or does not exist. */
export const draTaints = { noCarrier: `${draDriver}/no-carrier`, parentGone: `${draDriver}/parent-gone` } as const;

/** A DNS label (RFC 1123) that is short enough for a device name with an index below 10,000. */
const labelPattern = /^[a-z0-9]([a-z0-9-]{0,56}[a-z0-9])?$/;

/** A DNS subdomain (RFC 1123). The length of a resource name, at most 63, also limits the length of a class name. */
const subdomainPattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** `x-` and the XXH64 hash of a name, which replaces a name that a DNS name cannot contain. */
const hashedPattern = /^x-[0-9a-f]{16}$/;

/**
 * Returns the name of a device in a ResourceSlice. It is a DNS label, and no two devices of a node have the same name.
 * Returns undefined for a text that is not a device ID.
 *
 * @example draDeviceName('dataplaneMvp7') is 'dataplane-7'
 * @example draDeviceName('eth0.100Mvp7') is 'x-…-7', with the hash of eth0.100
 */
export function draDeviceName(deviceID: string): string | undefined {
  const parsed = parseDeviceID(deviceID);
  return parsed === undefined ? undefined : `${dnsName(parsed.resourceName, labelPattern)}-${parsed.index}`;
}

/**
 * Returns the device ID of a device name, the reverse of `draDeviceName`. A hash cannot be reversed, so the device must
 * belong to one of the given resources. Returns undefined for any other name.
 */
export function deviceIDOfDraDevice(name: string, resourceNames: Iterable<string>): string | undefined {
  const [, label, digits] = /^(.+)-(0|[1-9]\d{0,8})$/.exec(name) ?? [];
  if (label === undefined) return undefined;
  for (const resourceName of resourceNames) {
    if (dnsName(resourceName, labelPattern) === label) return deviceIDOf(resourceName, Number(digits));
  }
  return undefined;
}

/** The DeviceClass of a resource, with the fields of resource.k8s.io/v1 that the project sets. */
export interface ResourceClass {
  readonly name: string;
  /** Pods that request this extended resource get devices of the class. */
  readonly extendedResourceName: string;
  /** A CEL expression that selects the resource's devices. */
  readonly selector: string;
}

/**
 * Returns the DeviceClass of a resource. The resource's name must be legal; see isLegalResourceName. The class's name
 * ends with the driver's name, so it cannot collide with classes of other drivers.
 *
 * @example deviceClassOf('dataplane').name is 'dataplane.macvtap.network.kubevirt.io'
 */
export function deviceClassOf(resourceName: string): ResourceClass {
  return {
    name: `${dnsName(resourceName, subdomainPattern)}.${draDriver}`,
    extendedResourceName: `${draDriver}/${resourceName}`,
    // A legal name contains no quotes or backslashes, so it needs no escapes in CEL.
    selector: `device.driver == "${draDriver}" && device.attributes["${draDriver}"].resourceName == "${resourceName}"`,
  };
}

/** Returns the spec of a DeviceClass. */
export function specOfClass({ extendedResourceName, selector }: ResourceClass) {
  return { selectors: [{ cel: { expression: selector } }], extendedResourceName };
}

/** Returns whether a DeviceClass has the wanted spec. If `isMapped` is false, its extendedResourceName may differ. */
export function hasClassSpec(spec: unknown, wanted: ResourceClass, isMapped: boolean): boolean {
  const { selectors, extendedResourceName } = specOfClass(wanted);
  const found = isJsonObject(spec) ? spec : {};
  return (
    JSON.stringify(found.selectors) === JSON.stringify(selectors) &&
    found.config === undefined &&
    (!isMapped || found.extendedResourceName === extendedResourceName)
  );
}

/**
 * Returns the resource of a DeviceClass, the reverse of `deviceClassOf`. A hash cannot be reversed, so it refers to one
 * of the given resources. Returns undefined for the name of any other class.
 */
export function resourceOfDeviceClass(className: string, resourceNames: () => Iterable<string>): string | undefined {
  if (!className.endsWith(`.${draDriver}`)) return undefined;
  const name = className.slice(0, -draDriver.length - 1);
  if (!hashedPattern.test(name)) return subdomainPattern.test(name) ? name : undefined;
  for (const resource of resourceNames()) if (dnsName(resource, subdomainPattern) === name) return resource;
  return undefined;
}

/** Returns a name as a DNS name: the name itself if possible, or else its hash. */
function dnsName(name: string, pattern: RegExp): string {
  // A name that looks like a hash is also hashed. Otherwise, two resources could have the same DNS name.
  if (pattern.test(name) && !hashedPattern.test(name)) return name;
  return `x-${xxhash64(name).toString(16).padStart(16, '0')}`;
}
