import { describe, expect, it } from 'vitest';
import { allowedOf, resolvedProblem, targetProblem } from './addresses.ts';

const nothing = allowedOf([]);

describe('addresses of webhooks', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
    '::ffff:0:127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'nonsense',
  ])('When a host name resolves to %s, then the address is refused', (address) => {
    expect(resolvedProblem('hooks.example', address, nothing)).toBe(
      'must not be a private address, unless the operator lists its host in FREEFACE_WEBHOOK_ALLOW',
    );
  });

  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])(
    'When a host name resolves to %s, then the address is accepted',
    (address) => {
      expect(resolvedProblem('hooks.example', address, nothing)).toBeNull();
    },
  );

  it.each([
    ['https://127.0.0.1/', 'private'],
    ['https://[::1]/', 'private'],
    ['https://[::ffff:7f00:1]/', 'private'],
    ['https://2130706433/', 'private'],
    ['https://0x7f.1/', 'private'],
    ['https://0177.0.0.1/', 'private'],
    ['https://127.1/', 'private'],
    ['https://169.254.169.254/latest/meta-data', 'private'],
    ['https://localhost/', 'this machine'],
    ['https://LOCALHOST./', 'this machine'],
    ['https://db.localhost/', 'this machine'],
    ['http://hooks.example/', 'https'],
    ['ftp://hooks.example/', 'https'],
    ['file:///etc/passwd', 'https'],
    ['https://hooks.example:8443/', 'port 443'],
    ['https://hooks.example:22/', 'port 443'],
    ['http://192.168.1.5/hook', 'FREEFACE_WEBHOOK_ALLOW'],
    ['https://192.168.1.5/hook', 'FREEFACE_WEBHOOK_ALLOW'],
    ['https://localhost/hook', 'FREEFACE_WEBHOOK_ALLOW'],
    ['https://user:secret@hooks.example/', 'username'],
    ['hooks.example', 'URL'],
  ])('When the URL of a webhook is %s, then it is refused', (url, reason) => {
    expect(targetProblem(url, nothing)).toContain(reason);
  });

  it.each([
    'https://hooks.example/a?b=c',
    'https://hooks.example:443/',
    'https://8.8.8.8/',
    'https://xn--bcher-kva.example/',
  ])('When the URL of a webhook is %s, then it is accepted', (url) => {
    expect(targetProblem(url, nothing)).toBeNull();
  });

  it('When hosts and ranges are allowed, then only these may be private, use any port, and use HTTP', () => {
    const allowed = allowedOf(['ERP.local', '10.20.0.0/16', '127.0.0.2', 'fd12::/16']);

    expect(targetProblem('http://erp.local:8080/hook', allowed)).toBeNull();
    expect(targetProblem('http://10.20.3.4:9000/', allowed)).toBeNull();
    expect(targetProblem('https://[fd12::1]/', allowed)).toBeNull();
    expect(targetProblem('http://127.0.0.2:9/', allowed)).toBeNull();
    expect(targetProblem('http://127.0.0.1:9/', allowed)).not.toBeNull();
    expect(targetProblem('http://evil.local/', allowed)).not.toBeNull();
    expect(targetProblem('https://10.21.0.1/', allowed)).not.toBeNull();
    expect(resolvedProblem('erp.local', '192.168.0.9', allowed)).toBeNull();
    expect(resolvedProblem('any.example', '10.20.0.1', allowed)).toBeNull();
    expect(resolvedProblem('any.example', '::ffff:10.20.0.1', allowed)).toBeNull();
    expect(resolvedProblem('any.example', '192.168.0.9', allowed)).not.toBeNull();
    expect(resolvedProblem('any.example', '127.0.0.1', allowed)).not.toBeNull();
  });
});
