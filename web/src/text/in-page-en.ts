/** Words of the engine inside the page, in English. */
export const inPageEnglish = {
  open: 'Models in this browser',
  title: 'Models in this browser',
  about:
    'A small model can run inside this page: without the server, without the network. Its file is kept in this browser; private questions are then answered here and never leave the page.',
  looking: 'Looking …',
  none: 'The server offers no model for the browser, and none is here.',
  support: {
    insecure:
      'This address is not secure, so the browser gives this page neither storage nor threads. Open it over https, or as localhost on the machine itself.',
    'not-isolated':
      'This page is not isolated from others (the headers Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy are missing or were removed by a proxy), so the browser gives it no threads.',
    'too-old': 'This browser is too old to keep models: it has no private file system or no locks.',
  } as Record<string, string>,
  engine: {
    none: 'No model is in use here: the server answers.',
    idle: 'The model is loaded as soon as a question is written for it.',
    loading: 'Loading the model …',
    ready: 'The model is loaded.',
    failed: 'The engine of this page stopped.',
  } as Record<string, string>,
  crashed: 'The engine of this page stopped, most likely for lack of memory. The next question starts it again.',
  fetch: 'Fetch',
  resume: (mebibytes: number) => `Go on (${mebibytes} MiB are here)`,
  pause: 'Pause',
  fetching: (received: number, total: number) => `${received} of ${total} MiB`,
  onServer: (received: number, total: number) => `The server fetches it first: ${received} of ${total} MiB`,
  use: 'Use here',
  inUse: 'in use',
  off: 'Use no model here',
  remove: 'Remove',
  removeModel: (name: string) => `Remove ${name} from this browser`,
  removeSure: (name: string) => `Remove ${name} from this browser?`,
  refused: ({ neededMiB, availableMiB, smaller }: { neededMiB: number; availableMiB: number; smaller?: string }) =>
    `Needs about ${neededMiB} MiB; a page on this device may take about ${availableMiB} MiB.${smaller === undefined ? '' : ` Take ${smaller} instead.`}`,
  storage: (used: number, quota: number) => `This page uses ${used} of ${quota} MiB that the browser allows.`,
  persistent: 'The browser keeps it until you remove it.',
  notPersistent: 'The browser may clear it when the disk fills up.',
  inThisBrowser: (id: string) => `${id}: in this browser`,
  wouldRun: {
    device: 'Would run in this browser',
    cloud: 'Would go to the server',
    refused: 'Nothing could take this now',
  },
  staysHere: 'Private: stays in this browser',
  newVersion: 'A new version of this page is ready.',
  loadNewVersion: 'Load it',
};
