/** The client's address, also behind proxies that are trusted to tell it. */
import { BlockList, isIP } from 'node:net';
import { makeError } from '../core/errors.ts';

export type AddressReader = (remote: string | undefined, forwardedFor: string | undefined) => string;

/**
 * @param trusted addresses and networks (`10.0.0.0/8`) of proxies; nobody else is believed
 * @throws `config_invalid`
 */
export function createAddressReader(trusted: readonly string[]): AddressReader {
  const proxies = new BlockList();
  for (const entry of trusted) addEntry(proxies, entry);
  const isProxy = (address: string): boolean => {
    const family = isIP(address);
    return family !== 0 && proxies.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
  return (remote, forwardedFor) => {
    const own = plain(remote ?? 'unknown');
    if (trusted.length === 0 || forwardedFor === undefined || !isProxy(own)) return own;
    // From the right: the last one that no proxy of ours vouches for is the client. What stands left of it may be made up.
    const hops = forwardedFor.split(',').map((hop) => plain(hop.trim()));
    let client = own;
    for (const hop of hops.toReversed()) {
      if (isIP(hop) === 0) return client;
      client = hop;
      if (!isProxy(hop)) return client;
    }
    return client;
  };
}

function addEntry(list: BlockList, entry: string): void {
  const [address = '', bits] = entry.split('/');
  const family = isIP(address);
  const length = bits === undefined ? undefined : Number(bits);
  const isNetwork =
    length === undefined || (Number.isInteger(length) && length >= 0 && length <= (family === 6 ? 128 : 32));
  if (family === 0 || !isNetwork) {
    throw makeError('config_invalid', { reason: `trust-proxy: ${entry.slice(0, 60)} is no address and no network` });
  }
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  if (length === undefined) list.addAddress(address, kind);
  else list.addSubnet(address, length, kind);
}

/** IPv4 that came over an IPv6 socket; brackets of a written IPv6 address. */
function plain(address: string): string {
  const bare = address.startsWith('[') ? address.slice(1, address.indexOf(']')) : address;
  return bare.startsWith('::ffff:') && isIP(bare.slice(7)) === 4 ? bare.slice(7) : bare;
}
