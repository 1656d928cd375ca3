import { describe, expect, it } from 'vitest';
import { readPipConfiguration, type PipEnvironment } from './pip-configuration.ts';

function read(
  files: Record<string, string>,
  variables: Record<string, string> = {},
  platform: NodeJS.Platform = 'linux',
) {
  const environment: PipEnvironment = {
    variables,
    homeDirectory: platform === 'win32' ? 'C:\\me' : '/home/me',
    platform,
  };
  return readPipConfiguration((path) => files[path], environment);
}

const conf = (url: string): string => `[global]\nindex-url = ${url}\n`;

describe('the index that pip would use', () => {
  it('is pypi.org where nothing is set', () => {
    expect(read({})).toEqual({ indexUrls: ['https://pypi.org/simple'] });
  });

  it('comes from the files, later ones first, and from the environment before all', () => {
    const files: Record<string, string> = { '/etc/pip.conf': conf('https://machine/simple/') };
    expect(read(files).indexUrls).toEqual(['https://machine/simple']);
    files['/home/me/.pip/pip.conf'] = conf('https://legacy/simple');
    expect(read(files).indexUrls).toEqual(['https://legacy/simple']);
    files['/home/me/.config/pip/pip.conf'] = conf('https://user/simple');
    expect(read(files).indexUrls).toEqual(['https://user/simple']);
    files['/venv/pip.conf'] = conf('https://venv/simple');
    expect(read(files, { VIRTUAL_ENV: '/venv' }).indexUrls).toEqual(['https://venv/simple']);
    expect(read(files, { PIP_INDEX_URL: 'https://variable/simple' }).indexUrls).toEqual(['https://variable/simple']);
  });

  it('PIP_CONFIG_FILE replaces the files of the user, and /dev/null all files', () => {
    const files = { '/home/me/.config/pip/pip.conf': conf('https://user'), '/mine': conf('https://mine') };
    expect(read(files, { PIP_CONFIG_FILE: '/mine' }).indexUrls).toEqual(['https://mine']);
    expect(read(files, { PIP_CONFIG_FILE: '/missing' }).indexUrls).toEqual(['https://user']);
    expect(read(files, { PIP_CONFIG_FILE: '/dev/null' }).indexUrls).toEqual(['https://pypi.org/simple']);
  });

  it('keeps credentials and file addresses, and reads lists over several lines', () => {
    const text = `# a comment
[global]
index_url: https://user:p%40ss@host/simple/
extra-index-url =
    file:///srv/simple
    https://extra/simple   https://host2/simple
; another
[install]
cert = /etc/ca.pem
[list]
index-url = https://not-this-one`;
    expect(read({ '/etc/pip.conf': text })).toEqual({
      indexUrls: [
        'https://user:p%40ss@host/simple',
        'file:///srv/simple',
        'https://extra/simple',
        'https://host2/simple',
      ],
      certificatePath: '/etc/ca.pem',
    });
  });

  it('takes extra indexes from the environment, and no index at all where pip may use none', () => {
    expect(read({}, { PIP_EXTRA_INDEX_URL: 'https://a https://b', PIP_INDEX_URL: '' }).indexUrls).toEqual([
      'https://pypi.org/simple',
      'https://a',
      'https://b',
    ]);
    expect(read({}, { PIP_NO_INDEX: '1' }).indexUrls).toEqual([]);
  });

  it('knows the places of macOS and Windows', () => {
    expect(
      read({ '/home/me/Library/Application Support/pip/pip.conf': conf('https://mac') }, {}, 'darwin').indexUrls,
    ).toEqual(['https://mac']);
    const ini = { 'C:\\me\\AppData\\Roaming\\pip\\pip.ini': conf('https://windows').replaceAll('\n', '\r\n') };
    expect(read(ini, {}, 'win32').indexUrls).toEqual(['https://windows']);
  });
});
