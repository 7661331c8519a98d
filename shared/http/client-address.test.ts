import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trustedProxiesOf } from '../domain/trusted-proxies.ts';
import { clientAddress, networkOf } from './client-address.ts';

const from = (forwarded: string | undefined, trusted: number, remoteAddress = '10.0.0.1') =>
  clientAddress({ remoteAddress, headers: { 'x-forwarded-for': forwarded } }, trusted);

describe('clientAddress', () => {
  it.each([
    ['no proxy is trusted', '1.2.3.4', 0, '10.0.0.1'],
    ['one proxy is trusted', '6.6.6.6, 1.2.3.4', 1, '1.2.3.4'],
    ['two proxies are trusted', '6.6.6.6, 1.2.3.4, 10.0.0.2', 2, '1.2.3.4'],
    ['the header has fewer entries than trusted proxies', '1.2.3.4', 3, '1.2.3.4'],
    ['the header is absent', undefined, 1, '10.0.0.1'],
    ['the entry is not an address', 'unknown', 1, '10.0.0.1'],
    ['an inner entry is not an address', '1.2.3.4, x, 10.0.0.2', 3, '10.0.0.2'],
    ['the entry has a port', '1.2.3.4:5678', 1, '1.2.3.4'],
    ['the entry is an IPv6 address with a port', '[2001:db8::1]:443', 1, '2001:db8::1'],
  ])('When %s, then the client address is right', (_, forwarded, trusted, address) => {
    expect(from(forwarded, trusted)).toBe(address);
  });

  it('When an IPv4 address is mapped to IPv6, then the IPv4 address is returned', () => {
    expect(from(undefined, 0, '::ffff:127.0.0.1')).toBe('127.0.0.1');
  });

  it('When a caller forges the header, then the entry of the trusted proxy decides', () => {
    fc.assert(
      fc.property(fc.string(), (forged) => {
        expect(from(`${forged},1.2.3.4`, 1)).toBe('1.2.3.4');
      }),
    );
  });
});

describe('clientAddress, trusting by address', () => {
  const behind = (forwarded: string, trusted = 'private', remoteAddress = '127.0.0.1') =>
    clientAddress({ remoteAddress, headers: { 'x-forwarded-for': forwarded } }, trustedProxiesOf(trusted)!);

  it.each([
    ['the queue-proxy alone', '127.0.0.1', []],
    ['the ingress and the queue-proxy', '127.0.0.1', ['10.0.3.7']],
    ['the gateway, the ingress and the activator', '::1', ['10.0.3.7', '172.16.9.1', '::ffff:10.0.4.2']],
    ['proxies that speak IPv6', 'fe80::1%eth0', ['fd00:1::7', '[fd00:2::1]:443']],
  ])('When callers come through %s, then each has its own address, and none can forge another', (_, last, proxies) => {
    for (const caller of ['1.2.3.4', '2001:db8::5'])
      for (const forged of [[], ['9.9.9.9'], ['9.9.9.9', '10.0.0.9'], ['x'], ['10.0.0.9', '127.0.0.1'], ['']])
        expect(behind([...forged, caller, ...proxies].join(', '), 'private', last)).toBe(caller);
  });

  it.each([
    ['the connection does not come from a proxy', '9.9.9.9', 'private', '1.2.3.4', '1.2.3.4'],
    ['all addresses are private', '192.168.1.5, 10.0.3.7', 'private', '127.0.0.1', '192.168.1.5'],
    [
      'only the cluster is trusted',
      '9.9.9.9, 192.168.1.5, 10.0.3.7',
      '127.0.0.1,10.0.0.0/8',
      '127.0.0.1',
      '192.168.1.5',
    ],
    [
      'a public proxy is trusted too',
      '1.2.3.4, 203.0.113.9, 10.0.3.7',
      'private,203.0.113.0/24',
      '127.0.0.1',
      '1.2.3.4',
    ],
    ['the header is empty', '', 'private', '127.0.0.1', '127.0.0.1'],
    ['the last entry is not an address', '1.2.3.4, unknown', 'private', '127.0.0.1', '127.0.0.1'],
  ])('When %s, then the client address is right', (_, forwarded, trusted, remoteAddress, address) => {
    expect(behind(forwarded, trusted, remoteAddress)).toBe(address);
  });

  it.each(['11', '-1', '', 'all', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::1/129', 'private,', 'fe80::1/x'])(
    'When the setting is %j, then it is refused',
    (text) => {
      expect(trustedProxiesOf(text)).toBeNull();
    },
  );
});

describe('networkOf', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::1.2.3.4', '64:ff9b:0:0::/64'],
  ])('When the address is %s, then the network is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
