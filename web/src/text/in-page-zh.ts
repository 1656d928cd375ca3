import type { inPageEnglish } from './in-page-en.ts';

/** Words of the engine inside the page, in Chinese. */
export const inPageChinese: typeof inPageEnglish = {
  open: '本浏览器里的模型',
  title: '本浏览器里的模型',
  about:
    '小模型可以直接在这个页面里运行：不需要服务器，也不需要网络。模型文件保存在本浏览器；私密的问题就在这里回答，不会离开页面。',
  looking: '正在查看……',
  none: '服务器没有可供浏览器使用的模型，本浏览器里也没有。',
  support: {
    insecure: '这个地址不安全，浏览器不给页面存储和线程。请用 https 打开，或在本机用 localhost 打开。',
    'not-isolated':
      '页面没有与其他页面隔离（缺少 Cross-Origin-Opener-Policy 和 Cross-Origin-Embedder-Policy 响应头，或被代理去掉），浏览器不给它线程。',
    'too-old': '这个浏览器太旧，没有私有文件系统或锁，无法保存模型。',
  },
  engine: {
    none: '这里没有启用模型：由服务器回答。',
    idle: '开始写由它回答的问题时，就会加载模型。',
    loading: '正在加载模型……',
    ready: '模型已加载。',
    failed: '页面里的引擎停了。',
  },
  crashed: '页面里的引擎停了，多半是内存不够。下一个问题会重新启动它。',
  fetch: '获取',
  resume: (mebibytes) => `继续（已有 ${mebibytes} MiB）`,
  pause: '暂停',
  fetching: (received, total) => `${received} / ${total} MiB`,
  onServer: (received, total) => `服务器先获取：${received} / ${total} MiB`,
  use: '在这里使用',
  inUse: '使用中',
  off: '这里不用模型',
  remove: '删除',
  removeModel: (name) => `从本浏览器删除 ${name}`,
  removeSure: (name) => `从本浏览器删除 ${name}?`,
  refused: ({ neededMiB, availableMiB, smaller }) =>
    `大约需要 ${neededMiB} MiB；这台设备上的页面大约可用 ${availableMiB} MiB。${smaller === undefined ? '' : `可以改用 ${smaller}。`}`,
  storage: (used, quota) => `页面用了浏览器允许的 ${quota} MiB 中的 ${used} MiB。`,
  persistent: '浏览器会一直保存，直到您删除。',
  notPersistent: '磁盘将满时，浏览器可能会清除它。',
  inThisBrowser: (id) => `${id}：本浏览器`,
  wouldRun: { device: '会在本浏览器里运行', cloud: '会交给服务器', refused: '现在没有地方能运行' },
  staysHere: '私密：留在本浏览器',
  newVersion: '页面有新版本。',
  loadNewVersion: '加载',
};
