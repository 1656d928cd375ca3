import type { IdentifierMatch } from '../types.ts';
import { passesLuhn, passesVinCheck } from './checksums.ts';
import type { DigitWindow } from './digit-windows.ts';
import { digitCount, labelledValues } from './labelled-value.ts';
import { exampleWords, holds, matchesIn, precededBy, type RuleInput } from './rule-input.ts';

const mac =
  /(?<![0-9a-f:.-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?![0-9a-f:-])|(?<![0-9a-f.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![0-9a-f.])/g;
/** Broadcast, empty, multicast and documentation addresses (RFC 7042) are nobody's. */
const sharedMac =
  /^(?:0[02][:-]00[:-]00[:-]00|00[:-]00[:-]5e|ff[:-]ff|00[:-]00[:-]00|01[:-]00[:-]5e|33[:-]33|0000\.0000|ffff\.ffff|de[:-]ad[:-]be|aa[:-]bb[:-]cc|00[:-]11[:-]22|01[:-]23[:-]45)/;
/** A serial number of any product is no more than that; a person's own device is told by its words. */
const ownDevice =
  /我|本人|门锁|摄像头|萤石|音箱|电视|小爱|天猫精灵|起搏器|大疆|手机|平板|手表|电脑|笔记本|手环|耳机|相机|游戏机|无人机|行车记录仪|血糖仪|\b(?:my|her|his|our)\b|phone|laptop|tablet|watch|macbook|ipad|airpods?|thinkpad|kindle|surface|switch|xbox|playstation|ps[45]|airtag|pacemaker|hearing aid|insulin|dji|lost|stolen|丢|报失|挂失|被偷/;
const placeholder = /^(?:0+$|1234567890*$|x+|sn-?0*1|abcd?ef?)/;

/** Letters and digits as makers stamp them, in groups or not. */
const stamped = '(?=[a-z0-9-]{0,40}\\d)[a-z0-9](?:-?[a-z0-9]){6,29}(?![a-z0-9-])';
/** What is worn, carried, driven or stands at home, in a sentence of its owner. */
const gadget =
  '手机|平板|手表|电脑|笔记本|本本|手环|耳机|充电盒|相机|镜头|游戏机|主机|路由器|无人机|行车记录仪|车机|音箱|电视|机器人|打印机|阅读器|血糖仪|血压计|助听器|起搏器|胰岛素泵|呼吸机|iphone|ipad|ipod|macbook|imac|mac ?mini|airpods?|apple watch|homepod|thinkpad|surface|kindle|xbox|playstation|ps[45]|switch|garmin|fitbit|galaxy|pixel|laptop|tablet|phone|watch|camera|console|router|drone|dashcam|headphones|earbuds|e-?reader|pacemaker|insulin pump|glucose (?:meter|monitor)|hearing aid|tracker|airtag|tile|scooter|e-?bike';
const emptyUuid = /^0{8}-|^(?:12345678-1234|aaaaaaaa-|deadbeef-|550e8400-e29b|123e4567-e89b)/;

const labelledDevices = labelledValues([
  {
    type: 'device-id',
    rule: 'device-labelled',
    confidence: 0.85,
    hint: /imei|meid|(?<![a-z])esn|串[号码]|识别码|idf[av]|oaid|[ag]aid|vaid|安卓|android|udid|advert|广告|imsi|iccid|(?<![a-z])eid|sim|dsn|集成电路卡/,
    label:
      '(?<![a-z])imei\\d?|(?<![a-z])meid|(?<![a-z])esn(?![a-z])|串[号码]|(?:手机|设备|移动设备|国际移动设备)识别码|idf[av](?![a-z])|oaid|(?<![a-z])[agv]aid(?![a-z])|(?:android|安卓)[ _-]?(?:id|设备号)|udid|(?:google |apple )?advertis(?:ing|er|ement)[ _-]?id(?:entifier)?|广告(?:id|标识符?|识别码)|imsi|iccid|(?<![a-z])eid(?![a-z])|sim ?卡?(?:序列|背面的?)?(?:号码?|编号)|sim (?:card )?(?:number|no\\.?|serial(?: number)?)|(?<![a-z])dsn(?![a-z])|集成电路卡识别码',
    value: '[a-z0-9](?:[ -]?[a-z0-9]){7,39}(?![a-z0-9])',
    behind: true,
    accept: (value) => digitCount(value) >= 5 && !placeholder.test(value) && !emptyUuid.test(value),
  },
  {
    type: 'device-id',
    rule: 'device-number',
    confidence: 0.75,
    hint: /设备|机器码|硬件码|device|machine|hardware|tracker|watch|手环|手表|push|推送|fingerprint|指纹/,
    label:
      '设备(?:唯一)?(?:号码?|码|id|标识符?|编号|序列号|指纹|token|sn)|机器码|硬件码|硬件id|推送(?:token|令牌|id)|(?:手环|手表|智能手表|耳机)(?:的)?(?:id|编号|设备号)|device[ _-]?(?:id(?:entifier)?|serial|sn|no\\.?|number|uuid|token|fingerprint|hash)|(?:machine|hardware)[ _-]?(?:id|uuid|fingerprint)|(?:browser|canvas) fingerprint|(?:smart)?watch id|tracker id|push[ _-]?token|registration[ _-]?id',
    value: '[a-z0-9][a-z0-9-]{7,63}(?![a-z0-9])',
    behind: true,
    accept: (value, { lower }, start) =>
      !placeholder.test(value) &&
      !emptyUuid.test(value) &&
      (/设备序列号[^a-z\d]{0,6}$/.test(lower.slice(Math.max(0, start - 12), start)) ||
        (/^[a-f0-9-]{12,}$/.test(value) && digitCount(value) >= 4) ||
        (ownDevice.test(lower) && digitCount(value) >= 2) ||
        (digitCount(value) >= 4 && value.length >= 12)),
  },
  {
    type: 'device-id',
    rule: 'serial-number',
    confidence: 0.7,
    hint: /机身|背面编号|序列|序号|sn码|设备sn|serial|(?<![a-z])s\/?n(?![a-z])|出厂编?号/,
    label:
      '机身号|机身码|背面编号|机身(?:序列|编)号|序列号|序列码|序号|出厂编?号|serial(?:[ _-]?(?:no\\.?|number|num|#))?(?: (?:of|on|for) (?:my|her|his|our|the) [a-z ]{2,20})?|(?<![a-z])s\\/?n(?:码|号|(?=[:\\s#=\\d]))|(?<=[\\u4e00-\\u9fa5])s\\/?n',
    value: stamped,
    behind: true,
    accept: (value, { lower, text }, start) =>
      ownDevice.test(lower.slice(Math.max(0, start - 40), start + value.length + 24)) &&
      // Apple draws its serial numbers by chance: some hold one digit.
      (digitCount(value) >= 2 || /^[A-Z\d]{10,12}$/.test(text.slice(start, start + value.length))) &&
      !placeholder.test(value) &&
      // Dates and versions.
      !/^(?:19|20)\d\d-?[01]\d-?[0-3]\d$/.test(value),
  },
  {
    type: 'device-id',
    rule: 'gadget-with-number',
    confidence: 0.65,
    hint: /背面|底部|背后|盒上|写着|印着|刻着|back of|bottom of|engraved|says|serial|sticker/,
    label: `(?:${gadget})[^\\n。;\\d]{0,10}(?:背面|底部|背后|里面|盒上|上)?(?:的?那?[串行]?(?:字|码|号|编号)?)?(?:写着|印着|刻着|贴着|标着)(?:的是)?|(?:back|bottom|side|inside|sticker) of (?:my|her|his|our) (?:${gadget})[^\\n.;\\d]{0,14}?(?:says|reads|shows|:|is)`,
    value: stamped,
    accept: (value) => digitCount(value) >= 2 && value.length >= 8 && /[a-z]/.test(value) && !placeholder.test(value),
  },
  {
    type: 'device-id',
    rule: 'gadget-number',
    confidence: 0.7,
    hint: /编号|序列|设备|serial|(?<![a-z])sn(?![a-z])|产品 ?id|product id|t-?box|token|uuid|device/,
    label: `(?:${gadget}|门锁|摄像头|t-?box)(?:的)?\\s?(?:编号|序列号|设备号|设备id|serial(?: (?:number|no\\.?|#))?|sn(?![a-z]))|t-?box(?:号|编号)`,
    value: stamped,
    accept: (value) => digitCount(value) >= 3 && value.length >= 8 && !placeholder.test(value),
  },
  {
    type: 'device-id',
    rule: 'device-form',
    confidence: 0.75,
    hint: /产品 ?id|product id|push|推送|registration|device|设备|client|install|(?<![a-z])(?:did|uuid)/,
    label:
      '产品 ?id|product id|push[ _-]?token|推送(?:token|令牌)|registration[ _-]?(?:id|token)|(?:device|设备|install(?:ation)?|client|(?<![a-z])(?:did|uuid))(?:[ _-]?(?:id|uuid))?',
    // Windows' product number, a token of a push service, a UUID.
    value:
      '(?:\\d{5}-\\d{5}-\\d{5}-[a-z]{2}\\d{3}|(?:[a-z]{3}:|[a-z\\d_-]{22}:)?apa91[a-z\\d_:-]{20,200}|[a-f\\d]{8}(?:-[a-f\\d]{4}){3}-[a-f\\d]{12})(?![a-z\\d])',
    accept: (value, { lower }) =>
      !emptyUuid.test(value) &&
      !placeholder.test(value) &&
      /device|设备|手机|phone|push|推送|产品|product|registration|install|client|android|ios|(?<![a-z])did/.test(lower),
  },
  {
    type: 'device-id',
    rule: 'mac-labelled',
    confidence: 0.85,
    hint: /mac|网卡|蓝牙|物理地址|硬件地址|bssid/,
    label: '(?<![a-z])mac(?:[ _-]?addr(?:ess)?|地址)?|网卡(?:地址)?|蓝牙(?:地址|mac)?|物理地址|硬件地址|bssid',
    value: '[0-9a-f]{2}(?:[ :.-]?[0-9a-f]{2}){5}(?![0-9a-z:-])',
    accept: (value) => digitCount(value) >= 2 && /[a-f]/.test(value) && !sharedMac.test(value.replace(/[ .]/g, '-')),
  },
]);

/** SIM cards are numbered 89, country, issuer (ITU-T E.118): nineteen or twenty digits beside a word for the card. */
const simCard = /(?<![\da-z.])89(?:86|44|1\d|852|886)\d?(?:[ -]?\d){12,16}[a-f]?(?![\da-z])/g;
const simMatter = /sim|电话卡|手机卡|流量卡|物联卡|卡背|esim|集成电路|iccid|phone card|上网卡|副卡|补卡/;

/** Hardware addresses, and device numbers that their label names. */
export function deviceId(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  if (holds(input, /[0-9a-f]{2}[:.-][0-9a-f]{2}/)) {
    for (const match of matchesIn(input, mac)) {
      if (sharedMac.test(match[0]) || !/\d/.test(match[0]) || /^[\d.-]+$/.test(match[0])) continue;
      if (precededBy(input.lower, match.index, 24, exampleWords)) continue;
      found.push({
        type: 'device-id',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.8,
        rule: 'mac-address',
      });
    }
  }
  if (simMatter.test(input.lower)) {
    for (const match of matchesIn(input, simCard)) {
      const end = match.index + match[0].length;
      if (!simMatter.test(input.lower.slice(Math.max(0, match.index - 40), end + 20))) continue;
      found.push({ type: 'device-id', start: match.index, end, confidence: 0.9, rule: 'sim-card' });
    }
  }
  found.push(...labelledDevices(input));
  return found;
}

const imeiBefore =
  /(?<![a-z])device["']?\s?[=:]\s?["']?$|(?:imei|串[号码]|设备号|识别码|机身|\*#06#)[^\n。]{0,46}$|(?:手机|phone|mobile|handset|机子|设备)[^\n。\d]{0,24}(?:号|码|number|no\.?|id)[^\n。\d]{0,14}$/;
const imeiBehind = /^[^\n。\d]{0,20}(?:imei|串[号码])/;
/** Reporting bodies of 3GPP TS 23.003 that allot most numbers in use. */
const typeAllocation = /^(?:0[1-9]|3[3-5]|4[459]|5[0-4]|8[67]|9[19])/;

/** IMEI (3GPP TS 23.003): fifteen digits with a Luhn digit, only where its matter is spoken of. */
export function imei(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  const { digits, start, end } = window;
  if (digits.length !== 15 || !passesLuhn(digits) || !typeAllocation.test(digits) || window.fraction) return undefined;
  if (!precededBy(input.lower, start, 60, imeiBefore) && !imeiBehind.test(input.lower.slice(end, end + 28)))
    return undefined;
  return { type: 'device-id', start, end, confidence: 0.9, rule: 'imei' };
}

/** Written in groups, behind its label. */
const groupedVin =
  /(?:车架号?|大架号|大梁号|底盘号|车辆识别代[号码]|车身号码?|vin|chassis)(?:号码?|码| no\.?| number)?[\s:是为#="'.]{0,4}([a-hj-npr-z\d](?:[ \n-]?[a-hj-npr-z\d]){16})(?![a-z\d])/g;
/** The same in front of its label, in groups; and with letters that a reader of pictures took for digits. */
const groupedVinFirst =
  /(?<![a-z\d])([a-hj-npr-z\d](?:[ \n-]?[a-hj-npr-z\d]){16})(?![a-z\d])[\s,(]{0,2}(?:(?:is|was|就?是)\s?(?:the|my|我的?)?\s?)?[^\n\d。;a-z]{0,6}(?:车架|车辆识别|vin)/g;
const misreadVin =
  /(?:车架|车辆识别|vin)[^\n\da-z]{0,6}([a-z\d]{17})(?![a-z\d])|(?<![a-z\d])([a-z\d]{17})\s?(?:vin|车架)/g;
const vinBehind = /^[\s,(]{0,2}(?:(?:is|was) (?:the|my) |就?是(?:我车?的)?)?(?:我车?的)?(?:车架|车辆识别|vin)/;
const vinCandidate = /(?<![A-Za-z0-9])[A-HJ-NPR-Z0-9]{17}(?![A-Za-z0-9])/gi;

/** Vehicle identification number: seventeen characters with a right check digit, letters and digits mixed. */
export function vin(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  const written = input.filter.hasDigit && input.filter.longestToken >= 17;
  for (const match of written ? matchesIn(input, vinCandidate, input.text) : []) {
    const value = match[0].toUpperCase();
    if ((value.match(/[A-Z]/g)?.length ?? 0) < 3 || (value.match(/\d/g)?.length ?? 0) < 4) continue;
    const labelled = precededBy(
      input.lower,
      match.index,
      24,
      /(?:车架号?|大架号|大梁号|底盘号|车身号码?|车辆识别|vin|vehicle id|chassis)[^\n]{0,12}$/,
    );
    const told = labelled || vinBehind.test(input.lower.slice(match.index + 17, match.index + 37));
    if (!passesVinCheck(value) && !labelled) continue;
    if (!told && match[0] !== value) continue;
    const confidence = told ? 0.95 : 0.75;
    found.push({ type: 'vin', start: match.index, end: match.index + 17, confidence, rule: 'vin' });
  }
  for (const match of matchesIn(input, groupedVin)) {
    const value = match[1] ?? '';
    if (!/[ -]/.test(value) || digitCount(value) < 4 || !/[a-z]/.test(value)) continue;
    const end = match.index + match[0].length;
    found.push({ type: 'vin', start: end - value.length, end, confidence: 0.85, rule: 'vin-in-groups' });
  }
  for (const match of matchesIn(input, groupedVinFirst)) {
    const value = match[1] ?? '';
    const plain = value.replace(/[ \n-]/g, '').toUpperCase();
    if (plain === value.toUpperCase() || plain.length !== 17 || !passesVinCheck(plain)) continue;
    found.push({
      type: 'vin',
      start: match.index,
      end: match.index + value.length,
      confidence: 0.85,
      rule: 'vin-in-groups',
    });
  }
  for (const match of matchesIn(input, misreadVin)) {
    const value = match[1] ?? match[2] ?? '';
    const mended = value.toUpperCase().replaceAll('O', '0').replaceAll('Q', '0').replaceAll('I', '1');
    if (mended === value.toUpperCase() || !passesVinCheck(mended)) continue;
    const start = match.index + match[0].indexOf(value);
    found.push({ type: 'vin', start, end: start + 17, confidence: 0.85, rule: 'vin-misread' });
  }
  return found;
}
