/** What is typed and clicked in each language: the words of the page as a person reads them. */
export type Language = 'zh' | 'en';

type Words = {
  harmless: string;
  private: string;
  stop: string;
  history: string;
  panel: string;
  question: string;
  explain: string;
};

export const texts: Record<Language, Words> = {
  en: {
    harmless: 'Name three rivers of Europe, as a list with one line on each.',
    private: 'I am Anna Miller, my phone is 13812345678 and I have diabetes. What should I ask my doctor?',
    stop: 'Stop',
    history: 'Open history',
    panel: 'Models in this browser',
    question: 'Question',
    explain: 'Explain',
  },
  zh: {
    harmless: '列出欧洲的三条河流，每条一句话。',
    private: '我叫李明，手机号是13812345678，最近查出糖尿病，应该问医生什么？',
    stop: '停止',
    history: '打开历史',
    panel: '本浏览器里的模型',
    question: '问题',
    explain: '解释',
  },
};
