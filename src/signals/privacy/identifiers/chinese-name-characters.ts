/**
 * What the name model knows of single characters. Surnames fall into four classes by how seldom they begin anything else
 * than a name; 刘 almost always is one, 高 mostly is a word. Weights are log-odds in rough units of one nat, set by hand
 * and checked on the sentences of `person-name-sentences.ts`.
 */
const surnameClasses: [weight: number, characters: string][] = [
  [
    2,
    '刘赵吴郑孙蒋沈韩杨冯邓彭曹潘袁董蔡魏薛阎闫贾邹崔谭廖姚卢汪姜侯邵孟龚郝吕傅尹秦邱邢俞樊裴翟聂詹阮覃耿芦涂褚佟冼佘臧敖滕苟荀隋霍鲍闵甄靳卞芮羿储邴邬郗邰鄂蔚璩濮厍麴禤郜阚谌娄仝亓缪晏冉晁戚柯岑邝庹虞荆仲糜储蔺揭劉趙吳鄭孫蔣瀋韓楊馮鄧閻賈鄒盧呂許陳張黃龔蕭萧肖魯鲁謝羅葉蘇鐘鍾譚陸顧嚴賴龐湯倪祁褚綦訾昝郏逄蒯',
  ],
  [1.6, '王李张陈黄周徐朱胡郭何林罗梁谢宋唐许曾丁范夏陶贺顾武钱戴严莫孔汤赖庞兰殷施洪颜毕祝辛焦柳岳梅庄牟卜苗凌欧屈查桂余苏杜田叶程陆钟卢韦康段黎龙雷熊尤伍巫萬馬車蘭衛齊關項錢宁甯'],
  [0.5, '卫左齐路宫房边楼宗祖管任史费纪车郁舒柴高马于方白金石江常易乔文牛温季章葛申沿时童项曲游阳席鲍翁甘景单包司柏丛华蓝楚连万安毛关邵付付成盛明鹿简尚桑冷蒙冀池农沙粟狄茅谈元平粘米司幸洛练米师海勾晋戈年全应厉伏苍胥宣房裘干昌乌叶母巩国言宛靖扈怀鞠浦茹巴惠仰宿乐古杭况皮霞禹贝麻'],
]; // prettier-ignore
/** Among the third class, these begin a word so often that only a plain cue makes them a surname. */
const weakSurnames = '和时成应向全单水解明国平年海双经花相代从华原元计母支阳司乐印容步满巴干强言盖越古米师高于方白安关';
const weakSurnameWeight = 0;
/** Below the weak ones: both sides have to speak for a name. */
const rareSurnameWeight = -0.4;

/** The rest of the traditional list of surnames: only a slot that says that a name stands in it makes them one. */
const rareSurnames =
  '赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯昝管卢莫经房裘缪干解应宗丁宣贲邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁荀羊於惠甄曲家封芮羿储靳汲邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾暴甘钭厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍郤璩桑桂濮牛寿通边扈燕冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东欧殳沃利蔚越夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰巢关蒯相查后荆红游竺权逯盖益桓公肖闫付代覃岳苑税仝撒帅苟柒佘佟冼揭佴褟阳郇郄钭迟楼牟侍操降危朴权崇鹿卿';
/** Characters that a name in a slot can begin with. */
export const slotSurnames = new Set(Array.from(rareSurnames + '麦计', (character) => character.charCodeAt(0)));
// 能直接: an auxiliary verb.
slotSurnames.delete('能'.charCodeAt(0));

export const surnameWeights = new Map<number, number>();
for (const [weight, characters] of surnameClasses) {
  for (const character of characters) {
    if (!surnameWeights.has(character.charCodeAt(0))) surnameWeights.set(character.charCodeAt(0), weight);
  }
}
for (const character of '骆窦穆喻奚郦栾瞿饶屠刁') surnameWeights.set(character.charCodeAt(0), 2);
for (const character of '卓滕荣麻敬扈战') surnameWeights.set(character.charCodeAt(0), 0.5);
for (const character of weakSurnames) surnameWeights.set(character.charCodeAt(0), weakSurnameWeight);
for (const character of rareSurnames) {
  // Kept for a plain place: a role, a verb or a stop before it and one behind.
  if (!surnameWeights.has(character.charCodeAt(0))) surnameWeights.set(character.charCodeAt(0), rareSurnameWeight);
}
/** Prepositions and adverbs in nearly every sentence: a surname in a slot only. */
for (const character of '和从连查楼满母越步宣揭后同家都红相能从由便通有空权海双那印始闻要须水经')
  surnameWeights.delete(character.charCodeAt(0));

/** Characters that appear in given names far more than elsewhere. */
const strong =
  '伟芳娜敏静丽磊洋勇艳杰娟涛超秀霞刚桂英兰萍梅志辉宁飞彬富岩茂彪博诚敬震壮豪邦绍厚裕哲浩亮谦亨翰朗伯斌栋维翔旭鹏泽晨炎雄琛钧冠楠榕弘婷莹倩颖佳怡琪欣梓涵轩宇睿悦萱诗嘉璐瑶晶凤洁琴莲燕毅鑫凯峰帆俐慧淑蕾薇菲媛丹妍茜岚筠霭芸荷珊锦黛婉娴瑾馨瑞璇昊皓煜熙昕彤娅莉甜钰雅芝芬娇妮姣伊鸿昱禹恒逸尧羽彦赫铭柏瀚奕宸沐沛泓桐沁霖佑珂曦嫣淇筱洪祖耀骏俊炜烨玮琳瑜琦珍珠玲琼璟玥琰琬珮瑄琨旻昀晟晖晗旸晏暄昭晔晋睦蕴芮芷苒茵莎菁菀蓓蓉蔓芃艺芊若妤妙姝娆媚嫚婕婧姗姿娥婵嫦骁骞骥骅鹤鸾鹃岱嵘嵩峥峻崇屹岐淳沅沛浚浦涤淼渝湘溥滢潇澄澜澍濠灏煊焕熠燊炫烁炳炯钊铮锋锐镇镕锴鑫栩桢梧楷榆樱槿柯柠檬彧珩翊翎翀翌勋勖劭俪倬傲僖伦侃佟偲佩偉麗靜強軍傑蘭輝寧東貴龍學飛順豔艷偉鳳潔蓮瓊瑩穎慧靜婷曉樂穗卉勉毓韵韬谨诗谊谕议诣宥宜宓宛寰彗忱怀恺恬悫惟惇愉愷慷懿戎攸敦斐斯朔杉栎棋棣槐樊歆泊泱溪滔澈灿炀煦煌燃玖玘珏琅琮璋璞瓒畅睿祎祯祺禄禧稷穆窈竣笙筝绮缘罡羲翠聪肃胤臻芙苓茗莘菡菱萌葵蒙蓝蕙薛蘅虎虹蝶裳誉谧豫赟跃辰辞迪逊通遥邵郁钦铎锡镜闻阔阳雯霄霆霏靓靖顺颂颐飏馥骋骐魁鲲鸥麒麟黎默坤坚垚培基堃蕊砚絮衿桉聿璎绾姒妧栖稚漾渺溯淙沨歆芜菽藜晞暖曈旖珉珣琇珈瑗璠璁璟钧釉霂霈霁禛祐祜宬寀岫崟峤嶷弈彣忻恂恪悰愫慜懋擎攽旼晢暐杪枳柠栩梣棹楹榛檀榆槿汐汶沄泠洺浥淞湉湜漪潞濡烆焓煊熹猗玥珂珝璘瓴甯筱箐篁纾绯绱缇缦羿翥聆芾苡茉茜荃荇荻莳菖菘萱葭蒨蔺蕴薰衍褀觅诩谖谡谦赜轲逄遐邈郇鄢钿铄铠锟锦闳阡雩霖靖韶韫颀颢飒馡骊鸢鸯麾黛';
/** Characters of given names that are common elsewhere too. */
const typical =
  '宪秉令仪执援未序迟眠渡遇遥枝昼岁祈颂见渔樵耕读朴拙守恩典福祐锦绣安之听忘扬殊言默怀谷虚蓝澈栩旅途路关闻莫问柔佳红霞满墨念荫舒拾禾苗知意野屿屹朔简绮霜露霁锐铮锋翎羚翘茗茉芙苇葵蒲蓼薏栀桃杏李枝梧桉槐樱樟澈澜滢溪澄湛潇潼浔淳淮渝渊润济洛津汐沅汀漫笙筝箫弦琵笑朵果糖糯团圆圆豆甜橙柠宝贝乖萌妞囡嘟噜升刚强军明平华玉红建国文力东海波福生龙元全胜学祥才发武新利清顺信子昌成康星光天达安中进林有坚和先振会思群心承乐功松善庆友河江政奇固之轮宏言若鸣朋梁克启士以家致树德行时泰盛策腾风航雪雨语晓小大永春云素爱香月彩兴荣良仁宝长健惠苑柔竹凝欢枫秋青凡希可一二三正润然依勤妹美双君卓越悠朝诺舟远楚允初冰源钢铁根柱宗添书香山石水民义贤忠仲景世方金银万年冬夏雷雪音乔尚培基为向立安定益理礼图多加再真纯品宾望术树森木土火川泉池湖洲流阿如亦也其予今南北西来连运道阳晴晚曼贝娃丁丰丛丫凌列刘剑化卫印古史叶吉名向含吟咏品唐商喜嘉园坡城夕夜好始存孝孟季孙安官实容宽密富寒寿封尔尹居展崖川左巧己布师常干庭廷延弓引弥彰影征律得微徽必忆念怜恋恩情意愿慕懂成戈拓拥持挺捷掌支攀放政效敢散文斗旋无旺昂易映普智曲更曹有服村来杭果柳柯栗校格桃梦棠森楼欧歌正步比毕沙油法治泰洛济浓浪润渊游湾源满演潮澎炜点烟焱照燕爽牧特犀狄王玄率珠班球甘田申男画界白百益盈相知石研碧磐社祝科秦秀程积空章童端策简粟约纪纯纲经结络统继绪维绿罗群义翼老者耕聚能臣自至舒航艾节花苏英范荆荔莫莱菊萧葛蒲薪藏虞行衡西观解誉计讯许识词译诺谋谢豆贝贞贡质贤赛赞起超跃载迅近迎运连迟适通逢遇邓郎都酉采里重量钟钱铃长门问闰阁防陆陵雁集韦韩顶项须领飘馨首香马驰高鲁鸟齐龄汝茹芹苇茂';
export const givenWeights = new Map<number, number>();
for (const character of strong) givenWeights.set(character.charCodeAt(0), 1.6);
for (const character of typical) {
  if (!givenWeights.has(character.charCodeAt(0))) givenWeights.set(character.charCodeAt(0), 0.8);
}
/** Never part of a given name: particles, pronouns and the verbs that follow a name. */
export const neverGiven = new Set(
  Array.from(
    '某的了是在就不吗呢么要会能说去来给把被让他她它我你们这那个什谁哪怎与及或但而所着得很也都还又再已想做看吃住打叫问请帮跟对到往下上里前后左右年岁号电吧啊哦嘛呀呗您没将从比等于此其该每则因所以被并只才刚曾最更太较些几两过先老师',
    (character) => character.charCodeAt(0),
  ),
);
/** Double surnames that are words, too: 东方文化, 第五章, 司空见惯. */
export const weakDoubleSurnames = new Set('东方 第五 司空 百里 西门 南门 乐正 太史 梁丘'.split(' '));
const doubleSurnames = new Set(
  '欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 司徒 夏侯 端木 百里 南宫 长孙 宇文 独孤 轩辕 公冶 澹台 赫连 申屠 太史 闻人 钟离 鲜于 呼延 司空 拓跋 乐正 西门 东郭 南门 淳于 濮阳 宗政 纳兰 完颜 叶赫 万俟 左丘 梁丘 公羊 亓官 歐陽 諸葛 東方 司馬 上官'.split(
    ' ',
  ),
);

/** One flag for each ideograph that a double surname begins with. */
const beginsDouble = new Uint8Array(0x5200);
for (const name of doubleSurnames) beginsDouble[name.charCodeAt(0) - 0x4e00] = 1;

/** Whether the two characters at `start` are a double surname. */
export const isDoubleSurname = (text: string, start: number): boolean =>
  beginsDouble[text.charCodeAt(start) - 0x4e00] === 1 && doubleSurnames.has(text.slice(start, start + 2));
export const doubleSurnameList: ReadonlySet<string> = doubleSurnames;
