import { describe, expect, it } from 'vitest';
import { createAddressReader } from './client-address.ts';

describe('the client’s address', () => {
  const read = createAddressReader(['10.0.0.0/8', '::1']);
  it.each([
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['10.1.2.3', '6.6.6.6, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['10.1.2.3', 'not an address', '10.1.2.3'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['::1', '[2001:db8::1]', '2001:db8::1'],
  ])('from %s, forwarded for %s, is %s', (remote, forwarded, expected) => {
    expect(read(remote, forwarded)).toBe(expected);
  });

  it('believes nobody unless told to', () => {
    expect(createAddressReader([])('10.1.2.3', '198.51.100.1')).toBe('10.1.2.3');
  });

  it.each(['10.0.0.0/99', 'proxy.example', '10.0.0.0/x'])('refuses %s', (entry) => {
    expect(() => createAddressReader([entry])).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });
});
