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
  preference: string;
  newChat: string;
  record: string;
  stopRecording: string;
  send: string;
  away: RegExp;
  tour: {
    first: string;
    question: string;
    private: string;
    /** Of the test's pictures. */
    photo: string;
    aboutPhoto: string;
    /** The recording asks about the photo. */
    isSpokenOfPhoto: boolean;
    /** How long the recording is. */
    spokenMs: number;
    whileAway: string;
  };
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
    preference: 'Where to run',
    newChat: 'New chat',
    record: 'Record',
    stopRecording: 'Stop recording',
    send: 'Send',
    away: /cloud is away/i,
    tour: {
      first: 'Hello!',
      question: 'What is the capital of France?',
      private: 'My phone number is 13812345678. Write a short text asking for a call back.',
      photo: 'page-english.png',
      aboutPhoto: 'How many hours of sun do tomatoes need?',
      isSpokenOfPhoto: true,
      spokenMs: 7000,
      whileAway: 'Tell me one fact about rainbows.',
    },
  },
  zh: {
    harmless: '列出欧洲的三条河流，每条一句话。',
    private: '我叫李明，手机号是13812345678，最近查出糖尿病，应该问医生什么？',
    stop: '停止',
    history: '打开历史',
    panel: '本浏览器里的模型',
    question: '问题',
    explain: '解释',
    preference: '运行位置',
    newChat: '新对话',
    record: '录音',
    stopRecording: '结束录音',
    send: '发送',
    away: /云端不可用/,
    tour: {
      first: '你好！',
      question: '法国的首都是哪里？',
      private: '我的手机号是13812345678，帮我写一条请对方回电的短信。',
      photo: 'menu.jpg',
      aboutPhoto: '红烧牛肉面多少钱？',
      isSpokenOfPhoto: false,
      spokenMs: 5000,
      whileAway: '说一个关于彩虹的事实。',
    },
  },
};
