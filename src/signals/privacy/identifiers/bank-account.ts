import { digitCount, labelledValues } from './labelled-value.ts';
import { anyBankWord, precededBy, type RuleInput } from './rule-input.ts';

/** Digits in groups, as banks print them. */
const number = '\\d(?:[\\s-]{0,2}\\d){7,24}(?![\\da-z]|\\.\\d)';
/** Words of a few characters may stand between a label and the number: 账号请填…, 账户变更为…. */
const between = '(?:号码?|码|number|no\\.?|num|#)?[^\\d\\n。;?]{0,12}?["\'(\\s:#|=]{0,4}(?:\\(?\\d{3}\\)\\s?)?';
/** What has account numbers too and is no bank. */
const otherAccount =
  /(?:游戏|steam|qq|微信|抖音|快手|微博|小红书|论坛|社区|会员|登[录陆]|网站|平台|app|邮箱|宽带|水费|电费|燃气|学习|教务|图书|user|login|game|gaming|member|twitter|github)[^\d\n。;]{0,12}$/;
const money =
  /款|钱|对方|汇|转|打[到进给]|工资|退税|退费|学费|保证金|押金|缴|付|收|财务|供应商|供货|对公|户名|户主|fps|转数快|pay|wage|salary|deposit|debit|saving|checking|remit|wire|sort code|routing|beneficiary/;

/** Telephone numbers and dates. */
const notAnAccount = /^1[3-9]\d{9}$|^(?:19|20)\d\d[01]\d[0-3]\d$/;

/** Long numbers are accounts by their label alone; shorter ones need money or a bank to be spoken of. */
function isAccount(value: string, input: RuleInput, start: number): boolean {
  const digits = digitCount(value);
  if (notAnAccount.test(value) || precededBy(input.lower, start, 22, otherAccount)) return false;
  return digits >= 12 || anyBankWord.test(input.lower) || money.test(input.lower);
}

/** Bank accounts by their label: mainland, Hong Kong and Taiwan, Britain and North America, forms and variables. */
export const bankAccount = labelledValues([
  {
    type: 'bank-account',
    rule: 'bank-account-number',
    confidence: 0.85,
    hint: /账|帐|户|存折|acc|a\/c|(?<![a-z])ac(?![a-z])|checking|saving|clabe|折子|konto/,
    label:
      '银行[账帐][号户]|[账帐]户号码|(?<![客用])户口(?:号码?)?|收款[账帐][号户]|对公[账帐][号户]|开户行[^\\n。]{0,24}?[账帐][号户]|存折(?:号|[账帐]号)?|对公户|公户|收款户|工资户|结算户|基本户|一般户|专户|(?:股东|证券|期货|资金|股票|基金|贷款|信托)(?:卡|代码)?(?:[账帐][号户]|卡号)|konto(?:nummer|nr\\.?)?(?![a-z])|(?<=\\d\\d-\\d\\d-\\d\\d[\\s,;/]{1,3})ac(?:c|ct)?(?![a-z])|(?:my|her|his|our|chase|checking) (?:checking|savings?)|checking account|savings account|bank[ _-]?(?:account|acct)(?:[ _-]?(?:number|no\\.?|num))?|account[ _-]?(?:number|no\\.?|num|#)|(?<![a-z])acct?\\.?(?:[ _-]?(?:number|no\\.?|num|#))?(?![a-z])|(?<![a-z])clabe(?![a-z])|(?<![a-z])a\\/c',
    value: number,
    between,
    behind: true,
    accept: (value, input, start) => !precededBy(input.lower, start, 22, otherAccount) && !notAnAccount.test(value),
  },
  {
    type: 'bank-account',
    rule: 'bank-account-near-bank',
    confidence: 0.75,
    hint: /[账帐][号户]|户号|account/,
    label: '[账帐][号户]|户号|accounts?',
    value: number,
    between,
    behind: true,
    accept: isAccount,
  },
  {
    type: 'bank-account',
    rule: 'bank-code-and-account',
    confidence: 0.75,
    hint: /sort|(?<![a-z])sc(?![a-z])|routing|(?<![a-z])aba(?![a-z])|bsb|转数快|fps|transit/,
    label:
      'sort[ _-]?code|(?<![a-z])s(?:ort|c)(?=[:\\s]{1,3}\\d\\d-\\d\\d-\\d\\d)|routing(?:[ _-]?(?:number|no\\.?|num|#))?|(?<![a-z])aba(?![a-z])(?:[ _-]?(?:number|no\\.?|routing))?|(?<![a-z])bsb(?![a-z])|转数快(?:id|识别码)?|(?<![a-z])fps ?(?:id|识别码|号码?)|transit (?:number|no\\.?)',
    value: '\\d(?:[ -]?\\d){5,8}(?![\\da-z]|\\.\\d)',
  },
  {
    type: 'bank-account',
    rule: 'bank-branch',
    confidence: 0.7,
    hint: /transit|institution/,
    label: '(?<![a-z])transit(?: (?:number|no\\.?|#))?',
    value: '\\d{5}(?:[ -]\\d{3})?(?!\\d)',
    accept: (_, { lower }) => /account|acct|institution|bank|deposit/.test(lower),
  },
  {
    type: 'bank-account',
    rule: 'payment-address',
    confidence: 0.8,
    // The handles of India's UPI.
    hint: /@(?:ok|upi|ybl|paytm|apl|ibl|axl)/,
    label: '(?<![a-z0-9._@-])(?=[a-z0-9._-]{3,40}@)',
    value: '[a-z0-9._-]{3,40}@(?:ok(?:hdfcbank|hdfc|icici|axis|sbi)|upi|ybl|paytm|apl|ibl|axl)(?![a-z0-9.])',
    between: '',
  },
  {
    type: 'bank-account',
    rule: 'wallet-number',
    confidence: 0.75,
    hint: /钱包|wallet/,
    label: '钱包(?:编号|id|账号|帐号|号码?)|wallet (?:id|number|no\\.?)',
    value: '\\d(?:[ -]?\\d){9,21}(?![\\da-z]|\\.\\d)',
  },
  {
    type: 'bank-account',
    rule: 'wallet-address',
    confidence: 0.75,
    // Addresses of coins: base58 and bech32 of Bitcoin, Ethereum's forty hexadecimal digits, Tron's.
    hint: /钱包|地址|充值|提币|打币|转币|wallet|address|btc|eth|usdt/,
    label:
      '(?:钱包|收币|充值|提币|收款|打币|转币|btc|eth|usdt|trc20|erc20|trx)[^\\n\\d。;]{0,8}(?:地址|address|到|给)?|(?:my|our|his|her|payout|deposit|withdrawal) [a-z ]{0,20}?(?:wallet|address)',
    value: '(?:0x[a-f\\d]{40}|bc1[a-z\\d]{25,60}|t[a-z\\d]{33}|[13][a-z\\d]{25,33})(?![a-z\\d])',
  },
]);
