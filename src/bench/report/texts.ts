/** The report speaks two languages. */
export type Text = { zh: string; en: string };
export type Language = keyof Text;

export function both(zh: string, en: string): Text {
  return { zh, en };
}

/** Figures, names and texts of servers are the same in both. */
export function same(text: string): Text {
  return { zh: text, en: text };
}

const scenarioNames: Record<string, Text> = {
  'text-question': both('文本问答「解释牛顿第一定律」', 'Text question “解释牛顿第一定律”'),
  'picture-description': both('图像描述', 'Picture description'),
  'spoken-question': both('语音转写+回答「今天天气怎么样？」', 'Spoken question “今天天气怎么样？”'),
  'long-document': both('长文档摘要', 'Long-document summary'),
  code: both('代码生成', 'Code'),
  'meeting-minutes': both('会议纪要', 'Meeting minutes'),
};
const factNames: Record<string, string> = {
  device: '设备型号',
  processor: '处理器',
  'instruction sets': '指令集',
  memory: '内存',
  'memory kind': '内存类型',
  storage: '存储',
  network: '网络',
  'operating system': '操作系统',
  deployment: '部署方式',
  runtime: '运行时',
  'server version': '服务版本',
  quantisation: '量化',
  'model file': '模型文件',
  'model on disk': '模型体积',
  'software on disk': '软件体积',
  'model loaded in': '模型加载时间',
  'start command': '启动命令',
  model: '模型',
};

export function scenarioName(name: string): Text {
  return scenarioNames[name] ?? same(name);
}

export function factName(name: string): Text {
  return both(factNames[name] ?? name, name);
}
