import { digitCount, labelledValues } from './labelled-value.ts';
import type { RuleInput } from './rule-input.ts';

/** A few letters, digits, more of both: ZY0123456, 2024-08123, CT482913. */
const number = '(?<![a-z\\d])[a-z]{0,5}[#/-]?\\d(?:[ -]?[\\da-z]){3,19}(?![a-z\\d]|\\.\\d)';
const keyNumber = '[号號]码?|编号|id|本号|卡号?|单号|账号|帐号';
const hospital =
  /医院|血常规|尿常规|核酸|抽血|采样|疫苗|血型|医生|诊|病|患|化验|检验|放射|住院|科室|超声|b超|检查单?号|标本号|挂号|护士|手术|体检|影像|hospital|clinic|patient|doctor|medical|nurse|radiolog|lab\b|pharmac|surgery|ward|\bgp\b|scan|mri|biops/;
const insurance =
  /保险|理赔|医保|社保|insur|health|medic|plan|premium|deductible|coverage|claim|blue ?cross|aetna|cigna/;

const enoughDigits = (value: string): boolean =>
  digitCount(value) >= 4 && !/^(?:19|20)\d\d[- ]\d{1,2}[- ]\d{1,2}$/.test(value);
const inHospital = (value: string, { lower }: RuleInput): boolean => enoughDigits(value) && hospital.test(lower);
const insured = (value: string, { lower }: RuleInput): boolean => enoughDigits(value) && insurance.test(lower);

/** Numbers under which hospitals and insurers keep a person. */
export const recordNumber = labelledValues([
  {
    type: 'medical-record',
    rule: 'medical-record-number',
    confidence: 0.93,
    hint: /病|住院|门诊|急诊|就诊|诊疗|挂号|处方|健保|mrn|medical|patient|hospital/,
    label: `病[历案](?:本(?:${keyNumber})?|${keyNumber})|(?:住院|门诊|急诊|就诊|诊疗|挂号|病人|患者|病理|处方|体检|超声|影像|检验|化验|诊)(?:者|卡|证|单|本|人|流水)*(?:${keyNumber})|就诊卡|诊疗卡|健保卡(?:${keyNumber})?|patient[ _-]?(?:id|no\\.?|number|num|#)|medical[ _-]?record(?:[ _-]?(?:number|no\\.?|num|#))?|(?<![a-z])mrn(?![a-z])|hospital[ _-]?(?:id|no\\.?|number|#)`,
    value: number,
    behind: true,
    accept: enoughDigits,
  },
  {
    type: 'medical-record',
    rule: 'medical-number-near-hospital',
    confidence: 0.7,
    hint: /登记号|条形码|核酸|采样|试管|疫苗|(?<![a-z])(?:urn|hn)(?![a-z])|identifier|影像号|超声号|检查单?号|标本|样本|条码|病理|体检|ct号|mri?号|x光|id号|编号|chart|accession|specimen|rx|prescription|case|visit|encounter|lab /,
    label: `登记号|条形码号?|(?:核酸|采样|试管|疫苗)(?:条码|条形码|管)?(?:号码?|编号)?|(?<![a-z])(?:urn|hn)(?![a-z])|patient identifier|(?:影像|超声|检查|检验|化验|标本|样本|条码|病理|体检|ct|mri?|dr|x光片?|片子|报告单?|床位|叫号)(?:单|流水)?(?:号码?|编号|id|条形?码)|(?<![a-z])id号|chart (?:number|no\\.?|#)|accession (?:number|no\\.?|#)|specimen (?:id|number|no\\.?)|(?<![a-z])rx\\s?(?:#|number|no\\.?)|prescription (?:number|no\\.?|#)|case (?:number|no\\.?|#)(?: at the (?:clinic|hospital))?|(?:visit|encounter|lab) (?:id|number|no\\.?)`,
    value: number,
    between: '(?:\\([^()\\n]{1,8}\\))?(?:[\\s"\'`:=(\\[#,*-]|[是为係系]|(?<![a-z])(?:is|was)(?![a-z])){0,6}',
    behind: true,
    accept: inHospital,
  },
  {
    type: 'medical-record',
    rule: 'prescription-number',
    confidence: 0.7,
    hint: /(?<![a-z])rx|prescription/,
    label: '(?<![a-z])rx\\s?(?:#|number|no\\.?)|prescription (?:number|no\\.?|#)|(?<![a-z])rx(?= ?\\d{6})',
    value: number,
    accept: enoughDigits,
  },
  {
    type: 'social-insurance',
    rule: 'social-insurance-number',
    confidence: 0.9,
    hint: /社保|医保|社会保|公积金|参保|养老|失业|工伤|生育|健保|劳保|强积金|保单|保险|insurance|medicare|medicaid|nhs|policy/,
    label: `(?:社保|医保|社会保障|社会保险|公积金|参保|养老(?:保险)?|失业(?:保险)?|工伤(?:保险)?|生育(?:险|保险)?|健保|劳保|强积金)(?:个人|电脑|卡|证|单|客户|人|账户|帐户|证书)*(?:[账帐][号户]|编号|号码?|id|卡|序号|识别码)|(?:保险?单|保险合同|投保单)(?:号码?|编号|账号)|medicare(?:[ _-]?(?:number|no\\.?|id|#))?|medicaid(?:[ _-]?(?:number|no\\.?|id|#))?|(?<![a-z])nhs(?:[ _-]?(?:number|no\\.?|id|#))|insurance[ _-]?(?:id|number|no\\.?|card|policy(?:[ _-]?(?:number|no\\.?|id))?)|policy[ _-]?(?:number|no\\.?|id|#)`,
    value: number,
    behind: true,
    accept: enoughDigits,
  },
  {
    type: 'social-insurance',
    rule: 'insurance-number-alone',
    confidence: 0.85,
    hint: /保单|(?<![a-z])nhs/,
    label: '保险?单|(?<![a-z])nhs',
    value: '(?:[a-z]{2,6}\\d{8,20}(?![a-z\\d])|\\d{3} ?\\d{3} ?\\d{4}(?![\\d.])|\\d{10,22}(?![\\d.]))',
  },
  {
    type: 'social-insurance',
    rule: 'insurance-number-near-word',
    confidence: 0.7,
    hint: /理赔|赔案|报案号|member|subscriber|claim|group (?:number|no)/,
    label:
      '理赔案?(?:号|编号)|赔案号|报案号|member[ _-]?(?:id|number|no\\.?)|subscriber[ _-]?(?:id|number|no\\.?)|claim[ _-]?(?:id|number|no\\.?|#)|group[ _-]?(?:id|number|no\\.?)',
    value: number,
    accept: insured,
  },
]);
