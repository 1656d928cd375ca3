import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddressFetcher, type PictureFetcherOptions } from './picture-fetcher.ts';
import { isPublicAddress } from './public-address.ts';

describe('addresses that are not public', () => {
  it.each([
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.169.254',
    '192.0.0.8',
    '198.18.0.1',
    '203.0.113.9',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    'fe80::1',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '64:ff9b::7f00:1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2001:0:1::1',
    'fec0::1',
    '100::1',
    'localhost',
    '',
    '1.2.3',
    'fe80::1%eth0',
  ])('%s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '2400:3200::1'])('but %s is', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('the fetcher', () => {
  let server: Server;
  let port = 0;
  let requests: IncomingMessage[] = [];
  const routes: Record<string, (response: ServerResponse) => void> = {
    '/picture.png': (response) => response.writeHead(200, { 'content-type': 'image/png' }).end('bytes'),
    '/once': (response) => response.writeHead(302, { location: '/picture.png' }).end(),
    '/round': (response) => response.writeHead(302, { location: '/round' }).end(),
    '/to-file': (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/to-metadata': (response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
    '/to-mapped': (response) => response.writeHead(302, { location: 'http://[::ffff:127.0.0.1]/' }).end(),
    '/to-inside': (response) => response.writeHead(302, { location: `http://inside.example:${port}/secret` }).end(),
    '/page': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    '/drawing': (response) => response.writeHead(200, { 'content-type': 'image/svg+xml' }).end('<svg/>'),
    '/large': (response) => response.writeHead(200, { 'content-type': 'image/png', 'content-length': '5000000' }).end(),
    '/endless': (response) => {
      response.writeHead(200, { 'content-type': 'image/png' });
      const timer = setInterval(() => response.write(Buffer.alloc(100_000)), 1);
      response.on('close', () => clearInterval(timer));
    },
    '/silent': () => {},
  };
  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(request);
      (routes[request.url ?? ''] ?? ((none: ServerResponse) => none.writeHead(404).end()))(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** `outside.example` is the test's server, which counts as public here; `inside.example` is one that must not be reached. */
  function fetcher(options: Partial<PictureFetcherOptions> = {}): AddressFetcher {
    requests = [];
    return new AddressFetcher({
      hosts: ['*'],
      maxBytes: 1_000_000,
      ports: 'any',
      mayConnect: (address) => address === '127.0.0.1' || isPublicAddress(address),
      lookup: (host, _options, callback) =>
        callback(null, [{ address: host === 'outside.example' ? '127.0.0.1' : '10.0.0.7', family: 4 }]),
      ...options,
    });
  }
  const get = (path: string, options?: Partial<PictureFetcherOptions>, signal = AbortSignal.timeout(5_000)) =>
    fetcher(options).fetchPicture(`http://outside.example:${port}${path}`, { signal });
  const refusal = (reason: string) => ({
    code: 'image_url_refused',
    message: expect.stringContaining(reason) as string,
  });

  it('fetches a picture, also after a redirect, and says nothing of the request', async () => {
    expect(Buffer.from(await get('/picture.png')).toString()).toBe('bytes');
    expect(Buffer.from(await get('/once')).toString()).toBe('bytes');
    expect(Object.keys(requests[0]?.headers ?? {}).toSorted()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ]);
  });

  it.each([
    ['http://127.0.0.1/'],
    ['http://localhost/'],
    ['http://2130706433/'],
    ['http://0x7f000001/'],
    ['http://0177.0.0.1/'],
    ['http://127.1/'],
    ['http://[::1]/'],
    ['http://[::ffff:127.0.0.1]/'],
    ['http://[fd00::1]/'],
    ['http://169.254.169.254/latest/meta-data'],
    ['http://10.0.0.1/'],
    ['http://inside.example/'],
  ])('never reaches %s', async (address) => {
    const options = { mayConnect: isPublicAddress, ports: [80, 443] };
    const signal = AbortSignal.timeout(5_000);
    await expect(fetcher(options).fetchPicture(address, { signal })).rejects.toMatchObject(refusal('not a public one'));
  });

  it.each([
    ['file:///etc/passwd', 'only http and https'],
    ['ftp://outside.example/', 'only http and https'],
    ['http://user:pass@outside.example/', 'holds a password'],
    ['http://outside.example:6379/', 'port 6379'],
  ])('refuses %s', async (address, reason) => {
    const signal = AbortSignal.timeout(5_000);
    await expect(fetcher({ ports: [80, 443] }).fetchPicture(address, { signal })).rejects.toMatchObject(
      refusal(reason),
    );
  });

  it.each([
    ['/round', 'too often'],
    ['/to-file', 'only http and https'],
    ['/to-metadata', 'not a public one'],
    ['/to-mapped', 'not a public one'],
    ['/to-inside', 'not a public one'],
    ['/page', 'no picture'],
    ['/drawing', 'no picture'],
    ['/missing', 'answered 404'],
  ])('refuses what comes from %s', async (path, reason) => {
    await expect(get(path)).rejects.toMatchObject(refusal(reason));
    expect(requests.every(({ url }) => url !== '/secret')).toBe(true);
  });

  it('asks the resolver once for each hop, and connects to what it checked', async () => {
    let asked = 0;
    // Rebinding: public at the first look, this machine at the second.
    const lookup: PictureFetcherOptions['lookup'] = (_host, _options, callback) => {
      asked++;
      callback(null, [{ address: asked === 1 ? '127.0.0.1' : '10.0.0.7', family: 4 }]);
    };
    expect(Buffer.from(await get('/picture.png', { lookup })).toString()).toBe('bytes');
    expect(asked).toBe(1);
    const mixed: PictureFetcherOptions['lookup'] = (_host, _options, callback) =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '10.0.0.7', family: 4 },
      ]);
    await expect(get('/picture.png', { lookup: mixed })).rejects.toMatchObject(refusal('not a public one'));
  });

  it('reaches only the hosts that the operator named', async () => {
    await expect(get('/picture.png', { hosts: ['other.example'] })).rejects.toMatchObject(refusal('--image-url-host'));
    await expect(get('/picture.png', { hosts: [] })).rejects.toMatchObject(refusal('--image-url-host'));
    expect(await get('/picture.png', { hosts: ['.example'] })).toHaveLength(5);
  });

  it('ends what is too large or too slow, and what nobody waits for', async () => {
    await expect(get('/large')).rejects.toMatchObject({ code: 'image_too_large' });
    await expect(get('/endless')).rejects.toMatchObject({ code: 'image_too_large' });
    await expect(get('/silent', { timeoutMs: 50 })).rejects.toMatchObject(refusal('in time'));
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('left')), 20);
    await expect(get('/silent', {}, controller.signal)).rejects.toThrow('left');
  });
});
