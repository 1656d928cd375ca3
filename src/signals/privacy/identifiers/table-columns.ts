import type { IdentifierMatch, IdentifierType } from '../types.ts';
import type { RuleInput } from './rule-input.ts';

/** A column of a table in text (CSV, tabs, bars): its head says what its cells are. */
type Column = {
  type: IdentifierType;
  /** The whole head of the column; lower case, simplified. */
  key: RegExp;
  /** The whole cell. */
  value: RegExp;
  /** Counts only beside a column that says that rows are people. Default false. */
  ofPeople?: boolean;
  confidence: number;
};

const long = (words: string): RegExp => new RegExp(`^(?:${words})$`);
const columns: Column[] = [
  {
    type: 'person-name',
    key: long(
      '[\u4e00-\u9fa5]{0,6}姓名|联系人|收[件货]人|寄件人|患者|机主|户主|车主|户名|持卡人|(?:patient|customer|employee|student|full|contact|client|insured|guest|legal)[ _]?name',
    ),
    value:
      /^(?:[\u4e00-\u9fa5]{2,4}|[\u4e00-\u9fa5]{2,6}·[\u4e00-\u9fa5]{1,6}|[a-z][a-z'’-]+(?: [a-z][a-z'’.-]*){1,3})$/,
    confidence: 0.75,
  },
  {
    type: 'person-name',
    key: long('name|名字|使用人|责任人|负责人|owner|user|employee|patient|contact|student|insured'),
    value: /^(?:[\u4e00-\u9fa5]{2,4}|[a-z][a-z'’-]+(?: [a-z][a-z'’.-]*){1,3})$/,
    ofPeople: true,
    confidence: 0.7,
  },
  {
    type: 'phone',
    key: long(
      '电话|电话号码|手机|手机号码?|联系电话|联系方式|紧急联系电话|tel|phone|phone[ _]?(?:no\\.?|number)|mobile|cell',
    ),
    value: /^\+?(?!400|800|95|123456)\d(?:[\s()-]{0,2}\d){6,14}$/,
    confidence: 0.7,
  },
  {
    type: 'bank-account',
    key: long(
      '银行[账帐][号户]|[收付]款[账帐][号户]|(?:银行|工资)?卡号|[账帐]户号码|bank[ _]?account|account[ _]?(?:no\\.?|number|num|#)|acct[ _]?(?:no\\.?|#)?|iban',
    ),
    value: /^\d(?:[ -]?\d){7,24}$/,
    confidence: 0.75,
  },
  {
    type: 'bank-account',
    key: long('[账帐][号户]|account|acc|a\\/c'),
    value: /^\d(?:[ -]?\d){9,24}$/,
    confidence: 0.7,
  },
  {
    type: 'medical-record',
    key: long(
      '住院号|病[历案]号|门诊号|就诊卡?号|诊疗卡号|检[查验]号|标本号|患者(?:id|编号)|病人(?:id|编号)|mrn|(?:patient|pt)[ _]?(?:id|no\\.?|number)|medical[ _]?record[ _]?(?:no\\.?|number)|chart[ _]?(?:no\\.?|number|#)',
    ),
    value: /^[a-z]{0,4}-?\d[\da-z-]{3,19}$/,
    confidence: 0.85,
  },
  {
    type: 'social-insurance',
    key: long(
      '(?:医保|社保|公积金)(?:卡|个人)?(?:号码?|账号|编号)|参保号|(?:个人|参保人)编号|保单号码?|(?:member|subscriber|insured|policy|insurance)[ _]?(?:id|no\\.?|number)|nhs(?:[ _]?(?:no\\.?|number))?|nino|ni[ _]?(?:no\\.?|number)|sin|medicare[ _]?(?:no\\.?|number|id)?',
    ),
    value: /^[a-z]{0,6}-?\d[\da-z -]{4,22}$/,
    confidence: 0.8,
  },
  {
    type: 'messenger-id',
    key: long(
      '微信号?|qq(?:号码?)?|抖音号?|小红书号?|微博|wechat(?:[ _]?id)?|wx(?:id)?|vx|telegram|tg|line(?:[ _]?id)?|discord|instagram|ig|skype|whatsapp|twitter|snapchat',
    ),
    value: /^(?!yes$|no$|none$|null$|n\/a$|true$|false$|\d{1,4}$)@?[a-z\d][a-z\d_.#-]{4,31}$/,
    confidence: 0.7,
  },
  {
    type: 'device-id',
    key: long(
      'imei\\d?|meid|串[号码]|设备(?:号|id|码)|device[ _]?id|mac(?:地址|[ _]?addr(?:ess)?)?|udid|iccid|idfa|oaid',
    ),
    value: /^(?=[^\n]*\d[^\n]*\d)[a-z\d](?:[ :.-]?[a-z\d]){7,39}$/,
    confidence: 0.8,
  },
  {
    type: 'device-id',
    key: long('序列号|机身号|sn|s\\/n|serial(?:[ _]?(?:no\\.?|number|num))?|资产序列号'),
    value: /^(?=[^\n]*\d)[a-z\d](?:-?[a-z\d]){6,29}$/,
    ofPeople: true,
    confidence: 0.7,
  },
  {
    type: 'passport',
    key: long('护照号?码?|passport(?:[ _]?(?:no\\.?|number|#))?'),
    value: /^[a-z]{0,2}\d{6,9}$/,
    confidence: 0.85,
  },
  {
    type: 'password',
    key: long('密码|初始密码|登录密码|口令|password|passwd|pwd|pass|pin'),
    value: /^(?=[!-~]*\d)(?!\*|x{4}|\.{3})[!-~]{4,40}$/,
    confidence: 0.75,
  },
];
/** Heads that make the rows people's. */
const ofPeople = long(
  '.{0,4}姓名|名字|联系人|收[件货]人|机主|车主|使用人|员工|患者|手机号?码?|电话|身份证号?码?|微信号?|生日|出生(?:日期|年月)|年龄|性别|(?:.{1,12}[ _])?name|owner|employee|patient|user|phone|mobile|email|e-mail|dob|birth.{0,6}|age|sex|gender|dx|diagnosis|诊断',
);

const longestHead = 240;
const mostRows = 200;

type Cell = { text: string; start: number; end: number };

/** The cells of a line, without blanks and quotes. */
function cellsOf(lower: string, from: number, to: number, separator: string): Cell[] {
  const cells: Cell[] = [];
  let start = from;
  while (start <= to) {
    const next = lower.indexOf(separator, start);
    const stop = next < 0 || next > to ? to : next;
    let [first, last] = [start, stop];
    while (first < last && ' "\'\t#*`'.includes(lower[first] ?? '')) first++;
    while (last > first && ' "\'\t\r*`'.includes(lower[last - 1] ?? '')) last--;
    cells.push({ text: lower.slice(first, last), start: first, end: last });
    start = stop + 1;
  }
  return cells;
}

const separators = [',', '\t', '|', ';'];

/** Cells whose column says what they are: `姓名,住院号` and below it `王五,345678`. */
export function tableColumns({ lower }: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (let from = 0, to = lower.indexOf('\n'); to >= 0; from = to + 1, to = lower.indexOf('\n', from)) {
    if (to - from > longestHead || to - from < 4) continue;
    const separator = separators.find((sign) => {
      const first = lower.indexOf(sign, from);
      return first >= 0 && first < to;
    });
    if (separator === undefined) continue;
    const heads = cellsOf(lower, from, to, separator);
    const kinds = heads.map(({ text }) => (text.length > 24 ? undefined : columns.find(({ key }) => key.test(text))));
    if (kinds.every((kind) => kind === undefined)) continue;
    const people = heads.filter(({ text }) => text.length <= 24 && ofPeople.test(text)).length;
    let rowStart = to + 1;
    for (let row = 0; row < mostRows && rowStart < lower.length; row++) {
      const lineEnd = lower.indexOf('\n', rowStart);
      const rowEnd = lineEnd < 0 ? lower.length : lineEnd;
      const cells = cellsOf(lower, rowStart, rowEnd, separator);
      if (cells.length !== heads.length) break;
      cells.forEach(({ text, start, end }, index) => {
        const kind = kinds[index];
        // The name itself is one of the signs of people: another one has to stand beside it.
        if (kind === undefined || (kind.ofPeople === true && people < (kind.type === 'person-name' ? 2 : 1))) return;
        if (text.length > 44 || !kind.value.test(text)) return;
        found.push({ type: kind.type, start, end, confidence: kind.confidence, rule: `column-${kind.type}` });
      });
      to = rowEnd;
      rowStart = rowEnd + 1;
    }
  }
  return found;
}
