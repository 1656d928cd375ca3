import { digitCount, labelledValues } from './labelled-value.ts';
import { precededBy, type RuleInput } from './rule-input.ts';

/** A few letters, digits, more of both: ZY0123456, 2024-08123, CT482913. */
const number = '(?<![a-z\\d])[a-z]{0,5}[#/-]?\\d(?:[ -]?[\\da-z]){3,19}(?![a-z\\d]|\\.\\d)';
const keyNumber = '[号號]码?|编号|id|本号|卡号?|单号|账号|帐号';
const hospital =
  /医院|拍的?ct|胸片|片子|dental|dentist|blood test|(?<![a-z])er(?![a-z])|医院|取报告|出报告|报告单|(?:检查|检验)流水|(?:呼吸|消化|心内|骨|神经|内|外|儿|妇|产|眼|皮肤|肿瘤|泌尿|鼻喉|口腔|牙|感染|康复|中医|放射|检验)科|核磁|透析|胃镜|肠镜|心电图|oncology|chart|accession|specimen|encounter|血常规|尿常规|核酸|抽血|采样|疫苗|血型|医生|诊|病|患|化验|检验|放射|住院|科室|超声|b超|检查单?号|标本号|挂号|护士|手术|体检|影像|hospital|clinic|patient|doctor|medical|nurse|radiolog|lab\b|pharmac|surgery|ward|\bgp\b|scan|mri|biops/;
const insurance =
  /保险|理赔|医保|社保|(?<![a-z])(?:ppo|hmo)(?![a-z])|insur|health|medic|plan|premium|deductible|coverage|claim|blue ?cross|aetna|cigna/;

/** Goods are tested too. */
const testedGoods = /(?:灭火器|电梯|车辆|锅炉|气瓶|压力|产品|设备|出厂|货物|批次|食品)[^\d\n]{0,12}$/;
const enoughDigits = (value: string): boolean =>
  digitCount(value) >= 4 && !/^(?:19|20)\d\d[- ]\d{1,2}[- ]\d{1,2}$/.test(value);
const inHospital = (value: string, { lower }: RuleInput, start: number): boolean =>
  !precededBy(lower, start, 24, testedGoods) &&
  enoughDigits(value) &&
  !/^20\d\d[01]\d[0-3]\d$/.test(value) &&
  hospital.test(lower);
const insured = (value: string, { lower }: RuleInput): boolean => enoughDigits(value) && insurance.test(lower);

/** Numbers under which hospitals and insurers keep a person. */
export const recordNumber = labelledValues([
  {
    type: 'medical-record',
    rule: 'medical-record-number',
    confidence: 0.93,
    hint: /病|住院|门诊|[急就复覆]诊|诊[疗断]|挂号|处方|健保|患者|体检|超声|影像|检验|化验|健康[卡码]|[孕产]|妇幼|腕带|医嘱|诊间|x-?ray|imaging|(?<![a-z])path|(?<![a-z])chi |接种|出生|献血|透析|手术|受试者|来访者|mrn|medical|patient|hospital|donor|(?<![a-z])pt[ _]/,
    label: `病[历案](?:本(?:${keyNumber})?|${keyNumber})|(?:住院|门诊|急诊|就诊|诊疗|挂号|病人|患者|病理|处方|体检|超声|影像|检验|化验|诊)(?:者|卡|证|单|本|人|流水)*(?:${keyNumber})|就诊卡|诊疗卡|门诊病历(?: ?no\\.?)?|病历本上的?(?:号码?|编号)|腕带(?:${keyNumber}|上(?:写着|的(?:${keyNumber})))|医嘱(?:${keyNumber})|诊间(?:${keyNumber})|patient (?:file|#)(?: (?:no\\.?|number))?|x-?ray (?:no\\.?|number|#)|imaging (?:id|no\\.?|number)|(?<![a-z])path(?:ology)? (?:no\\.?|number)|(?<![a-z])chi (?:no\\.?|number)|病历(?=[:\\s]{0,2}\\d{5})|病理(?:切片|蜡块)?(?:${keyNumber})|(?:电子)?健康[卡码](?:${keyNumber})|(?:孕产妇|孕妇|产检|产妇|妇幼|母子|保健|建档)(?:建档|保健|健康|手册|卡|证|本){0,3}(?:${keyNumber})|(?:疫苗)?接种[证本](?:${keyNumber})|出生(?:医学)?证明?(?:${keyNumber})|献血证(?:${keyNumber})|透析(?:${keyNumber})|手术(?:${keyNumber})|诊断(?:证明)?书?(?:${keyNumber})|病假[条单](?:${keyNumber})|[复覆]诊(?:${keyNumber})|(?:受试|来访)者(?:${keyNumber})|(?<![a-z])pt[ _-]?(?:id|no\\.?|number|#)|donor (?:id|number|no\\.?|#)|patient[ _-]?(?:id|no\\.?|number|num|#)|medical[ _-]?record(?:[ _-]?(?:number|no\\.?|num|#))?|(?<![a-z])mrn(?![a-z])|hospital[ _-]?(?:id|no\\.?|number|#)`,
    value: number,
    behind: true,
    accept: (value, { lower }, start) => enoughDigits(value) && !precededBy(lower, start, 24, testedGoods),
  },
  {
    type: 'medical-record',
    rule: 'medical-number-near-hospital',
    confidence: 0.7,
    hint: /登记号|条形码|核酸|采样|试管|疫苗|(?<![a-z])(?:urn|hn)(?![a-z])|identifier|影像|超声|b超|彩超|[胃肠]镜|心电图|检查|检验|化验|报告|预约号|卡号|流水号|(?<![a-z\u4e00-\u9fa5])id[:\s]|file|unit|sample|subject|exam|标本|样本|条码|病理|体检|ct号|mri?号|x光|id号|编号|chart|accession|specimen|rx|prescription|case|visit|encounter|lab /,
    label: `登记号|流水号|(?<![a-z\u4e00-\u9fa5])id(?=[:\\s]{1,3}\\d{5})|file no\\.?|unit (?:number|no\\.?)|sample (?:id|number|no\\.?)|条形码号?|(?:核酸|采样|试管|疫苗)(?:条码|条形码|管)?(?:号码?|编号)?|(?<![a-z])(?:urn|hn)(?![a-z])|patient identifier|(?<![用行储蓄工资])卡号|(?:就医|看诊)?预约号|报告(?:单)?编?号|取报告[^\\n\\d]{0,6}(?:码|号)|(?:radiology |imaging )?exam (?:number|no\\.?|#)|(?:trial )?subject(?: (?:id|number|no\\.?))?|(?:影像|超声|b超|彩超|胃镜|肠镜|心电图|检查|检验|化验|标本|样本|条码|病理|体检|ct|mri?|dr|x光片?|片子|报告单?|床位|叫号)(?:单|流水)?(?:号码?|编号|id|条形?码)|(?<![a-z])id号|chart ?(?:number|no\\.?|#)|accession(?: (?:number|no\\.?|#))?|specimen (?:id|number|no\\.?)|(?<![a-z])rx\\s?(?:#|number|no\\.?)|prescription (?:number|no\\.?|#)|case (?:id|number|no\\.?|#)(?: at the (?:clinic|hospital))?|(?:visit|encounter|lab) (?:id|number|no\\.?|#)`,
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
    hint: /社保|医保|农合|医疗|残疾|低保|优抚|险(?:合同|单)|mbi|ohip|ramq|health card|vitale|insured|社会保|公积金|参保|养老|失业|工伤|生育|健保|劳保|强积金|保单|保险|insurance|medicare|medicaid|nhs|policy/,
    label: `(?:社保|医保卡?(?:背面|正面|上面?)的?|医保|社会保障|社会保险|公积金|参保|养老(?:保险)?|失业(?:保险)?|工伤(?:保险)?|生育(?:险|保险)?|健保|劳保|强积金|新?农合|合作医疗|医疗|失业登记|残疾人?|低保|优抚)(?:金|发放|\\s|医疗|个人|电脑|卡|证|单|客户|人|账户|帐户|证书)*(?:[账帐][号户]|编号|号码?|id|卡|序号|识别码)|(?:保险?单|[\\u4e00-\\u9fa5]险(?:合同|单|保单)|投保单)(?:号码?|编号|账号)|medicare(?:[ _-]?(?:number|no\\.?|id|#))?|medicaid(?:[ _-]?(?:number|no\\.?|id|#))?|(?<![a-z])nhs(?:[ _-]?(?:number|no\\.?|id|#))|medicare card|(?<![a-z])mbi(?![a-z])|(?<![a-z])(?:ohip|ramq)(?: (?:number|no\\.?|#|card))?(?![a-z])|health ?card(?: (?:number|no\\.?|#))?|insured[ _-]?(?:id|number|no\\.?)|insurance card(?:[^\\n\\d]{0,8}(?:says|shows|reads))?(?: (?:member )?id ?#?)?|(?:geico|state farm|allstate|progressive|humana|kaiser|anthem|aviva|axa|admiral|direct line|usaa)(?:'s)? (?:policy|member|claim|plan)(?: (?:id|number|no\\.?|#))?|insurance[ _-]?(?:id|number|no\\.?|card|policy(?:[ _-]?(?:number|no\\.?|id))?)|policy[ _-]?(?:number|no\\.?|id|#)`,
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
    value:
      '(?:[a-z]{2,6}\\d{6,20}(?:[a-z]\\d{1,8})?[a-z]?(?![a-z\\d])|\\d{3} ?\\d{3} ?\\d{4}(?![\\d.])|\\d{10,22}(?![\\d.]))',
  },
  {
    type: 'social-insurance',
    rule: 'insurance-number-near-word',
    confidence: 0.7,
    hint: /理赔|赔案|报案号|个人编?号|member|subscriber|claim|group (?:number|no|#)/,
    label:
      '个人编?号|参保号|理赔案?(?:号|编号)|赔案号|报案号|member[ _-]?(?:id|number|no\\.?|#)|subscriber[ _-]?(?:id|number|no\\.?|#)|claim[ _-]?(?:id|number|no\\.?|#)|group[ _-]?(?:id|number|no\\.?|#)',
    value: number,
    accept: insured,
  },
]);
