/**
 * Finds the package indexes that `pip` would use, without Python: the same variables, files and precedence
 * (pip user guide, "Configuration"). Pure: the caller hands in the environment and a way to read files.
 */
export type PipConfiguration = {
  /** Asked in this order. `file:` addresses and `user:password@` are possible. Empty with `no-index`. */
  indexUrls: string[];
  /** PEM file to trust beside the system's roots. */
  certificatePath?: string;
};

export type PipEnvironment = {
  variables: Readonly<Record<string, string | undefined>>;
  homeDirectory: string;
  platform: NodeJS.Platform;
};

/** The text of a file, or `undefined` where there is none or it cannot be read. */
export type FileReader = (path: string) => string | undefined;

export const defaultIndexUrl = 'https://pypi.org/simple';

export function readPipConfiguration(readFile: FileReader, environment: PipEnvironment): PipConfiguration {
  const settings = new Map<string, string>();
  for (const path of configurationPaths(readFile, environment)) {
    const text = readFile(path);
    if (text === undefined) continue;
    const sections = parseConfiguration(text);
    // The section of the command wins over [global]; "install" stands for what we do.
    for (const name of ['global', 'install']) {
      for (const [key, value] of sections.get(name) ?? []) settings.set(key, value);
    }
  }
  for (const [name, value] of Object.entries(environment.variables)) {
    // pip ignores empty variables.
    if (/^PIP_/i.test(name) && value !== undefined && value !== '') settings.set(normaliseKey(name.slice(4)), value);
  }
  const indexes = [settings.get('index-url') ?? defaultIndexUrl, ...words(settings.get('extra-index-url'))];
  const off = /^(1|true|yes|on|y|t)$/i.test(settings.get('no-index') ?? '');
  const certificatePath = settings.get('cert');
  return {
    indexUrls: off
      ? []
      : [...new Set(indexes.map((url) => url.trim().replace(/\/+$/, '')))].filter((url) => url !== ''),
    ...(certificatePath === undefined ? {} : { certificatePath }),
  };
}

/** Later files win. */
function configurationPaths(
  readFile: FileReader,
  { variables, homeDirectory: home, platform }: PipEnvironment,
): string[] {
  const own = variables['PIP_CONFIG_FILE'];
  // pip's documented way to switch all configuration files off.
  if (own === '/dev/null' || own === 'nul') return [];
  const paths: string[] = [];
  if (platform === 'win32') {
    if (variables['PROGRAMDATA'] !== undefined) paths.push(`${variables['PROGRAMDATA']}\\pip\\pip.ini`);
  } else if (platform === 'darwin') {
    paths.push('/Library/Application Support/pip/pip.conf');
  } else {
    for (const directory of (variables['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':'))
      paths.push(`${directory}/pip/pip.conf`);
    paths.push('/etc/pip.conf');
  }
  const hasOwn = own !== undefined && own !== '' && readFile(own) !== undefined;
  // A file named by the user replaces the user's files, not the machine's.
  if (!hasOwn) paths.push(...userPaths(variables, home, platform));
  const environmentRoot = variables['VIRTUAL_ENV'];
  if (environmentRoot !== undefined && environmentRoot !== '') {
    paths.push(platform === 'win32' ? `${environmentRoot}\\pip.ini` : `${environmentRoot}/pip.conf`);
  }
  if (hasOwn) paths.push(own);
  return paths;
}

function userPaths(variables: PipEnvironment['variables'], home: string, platform: NodeJS.Platform): string[] {
  if (platform === 'win32') {
    return [`${home}\\pip\\pip.ini`, `${variables['APPDATA'] || `${home}\\AppData\\Roaming`}\\pip\\pip.ini`];
  }
  const paths = [`${home}/.pip/pip.conf`, `${variables['XDG_CONFIG_HOME'] || `${home}/.config`}/pip/pip.conf`];
  if (platform === 'darwin') paths.push(`${home}/Library/Application Support/pip/pip.conf`);
  return paths;
}

/** The subset of Python's `RawConfigParser` that pip files use: sections, `=` or `:`, indented continuation lines. */
function parseConfiguration(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let key: string | undefined;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const header = /^\[(.+)\]\s*$/.exec(line);
    if (header !== null) {
      const name = (header[1] ?? '').trim().toLowerCase();
      section = sections.get(name) ?? new Map<string, string>();
      sections.set(name, section);
      key = undefined;
    } else if (/^\s/.test(line) && key !== undefined) {
      section?.set(key, `${section.get(key)}\n${line.trim()}`);
    } else {
      const pair = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line);
      if (pair === null) continue;
      key = normaliseKey(pair[1] ?? '');
      section?.set(key, (pair[2] ?? '').trim());
    }
  }
  return sections;
}

function normaliseKey(name: string): string {
  return name.trim().toLowerCase().replaceAll('_', '-').replace(/^--/, '');
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
