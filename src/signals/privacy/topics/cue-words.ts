/**
 * Words that tell whose matter a sentence is about: the speaker's or somebody's the speaker knows, or nobody's (general
 * knowledge, fiction, code, statistics). Separated by `|`.
 */
export const cueWords = {
  self: '我|本人|俺|咱|自己|人家|i|i\'m|i\'ve|i\'d|i\'ll|me|my|mine|myself|im|ive|wo',
  selfPlural: '我们|咱们|我司|我厂|本公司|我方|弊司|敝司|we|we\'re|we\'ve|our|ours|us',
  kin: '老爷子|老太太|老头子|老伴|媳妇|家属|亲戚|我侄|我嫂|嫂子|姐夫|妹夫|弟媳|亲家|未婚夫|未婚妻|孩子他爸|孩子他妈|hubby|wifey|mom|mum|dad|grandpa|grandma|granddad|wife|husband|fiance|fiancée|fiancé|fiancee|my twin|我妈|我爸|妈妈|爸爸|我娘|我爹|母亲|父亲|老婆|老公|妻子|丈夫|媳妇|爱人|对象|岳父|岳母|丈母娘|婆婆|公公|爷爷|奶奶|外公|外婆|姥姥|姥爷|我哥|我姐|我弟|我妹|哥哥|姐姐|弟弟|妹妹|表哥|表姐|表弟|表妹|堂哥|堂弟|舅舅|姑姑|叔叔|阿姨|姨妈|大伯|小姨|家里人|爸妈|父母|my mom|my mother|my dad|my father|my wife|my husband|my partner|my spouse|my brother|my sister|my grandma|my grandmother|my grandpa|my grandfather|my aunt|my uncle|my cousin|my parents|my fiance|my in-laws|my mum|my twin',
  acquaintance:
    '姐妹|哥们|兄弟|病友|同寝|对象|现任|网恋对象|师兄|师姐|导师|班主任|邻居家|roommate|coworkers|a guy|some guy|my uncle|my ex|同事|朋友|闺蜜|室友|舍友|邻居|同学|前任|前男友|前女友|男朋友|女朋友|男友|女友|领导|上司|老板|客户|下属|合伙人|房东|租客|老同学|发小|战友|网友|病人|患者|来访者|咨询者|当事人|我的学生|我班|my friend|my best friend|my roommate|my neighbor|my neighbour|my coworker|my colleague|my boss|my manager|my ex|my boyfriend|my girlfriend|my client|my patient|my student|my tenant|my landlord|a friend of mine|my employee|my business partner|guy i know|someone i know|my date|my crush',
  third: '他|她|他的|她的|他们|这人|那人|he|she|his|her|him|he\'s|she\'s|hers',
  recent:
    '最近|昨天|今天|前天|昨晚|今晚|今早|刚刚|刚才|上周|上个月|这个月|这几天|这周|前几天|去年|今年|前年|半年前|几年前|现在|目前|明天|下周|下个月|一直|已经|至今|从小|上午|下午|凌晨|yesterday|today|tonight|last night|last week|last month|last year|recently|lately|this morning|this week|this month|right now|currently|since|ago|just|tomorrow|next week|for years|for months|these days|anymore',
  helpless:
    '怎么办|咋办|咋整|该怎么|我该|要不要|能不能|会不会|要紧吗|严重吗|正常吗|有救吗|怕|害怕|担心|不敢|好烦|崩溃|撑不住|压力大|救救|求助|愁|瞒着|what should i do|should i|do i need|can i|is it normal|is it safe|worried|scared|afraid|ashamed|embarrassed|help me|i don\'t know what to do|desperate|struggling|freaking out|stressed',
  secrecy:
    '别告诉|不要告诉|没告诉|没敢告诉|不敢告诉|没人知道|没跟任何人|偷偷|瞒|秘密|隐瞒|保密|不想让|不能让|别说出去|私下|只有你知道|don\'t tell|haven\'t told|never told|nobody knows|no one knows|keep this|between us|secretly|secret|hide|hiding|private|behind my|find out',
  general:
    '什么是|是什么意思|什么意思|有哪些|原理|定义|介绍|解释|科普|概念|历史|由来|区别|作用机制|成因|特点|起源|含义|简述|概述|分类|比较|排名|一般来说|通常|常见|多少种|发明|发现的|谁写的|哪一年|指的是|代表什么|知识|常识|what is|what are|what does|how does|how did|explain|define|definition|describe|overview|difference between|differ|history of|compare|summarize|summary|examples of|meaning|types of|pros and cons|when was|who was|who is|who invented|who discovered|who painted|causes of|common|typical|in general|generally|stand for|list of|name three|which countries|facts',
  asks:
    '怎么|怎样|如何|为什么|哪些|哪里|哪个|什么|吗|呢|能不能|可以|多久|多少|how do|how to|how can|how is|how are|how long|why|which|where|what\'s|can i|could i|is it|are there|should',
  arithmetic:
    '应用题|每人|每天吃|每件|共有|一共有|求|利率|打八折|打折|售价|成本价|几个|多少钱|平均|百分之|方程|小明|小红|小刚|小华|鸡兔|半衰期|使用率|空床|家庭年收入|word problem|how many|how much|each|in total|altogether|percent of|calculate|compute|rate of|half-life|solve|equation|compounded',
  pet:
    '猫|猫咪|狗|狗狗|小狗|仓鼠|鹦鹉|兔子|金鱼|鱼缸|乌龟|宠物|植物|多肉|盆栽|花盆里|叶子|养花|dog|cat|puppy|kitten|hamster|parrot|rabbit|fish tank|turtle|pet|plant|fern|leaves|vet',
  leisure:
    '推荐|礼物|好看|好喝|好吃|好玩|旅游|攻略|电影|动画|动漫|歌|音乐|游戏|生日派对|派对|节日|祝福|菜谱|食谱|奶茶|咖啡|杯子|衣服|颜色|键盘|耳机|沙发|键帽|乐高|恐龙|绘本|玩具|画画|足球|看球|瑜伽|吉他|ppt|模板|策划|年会|团建|标题|文案|表情包|哈哈|笑死|笑话|综艺|小吃|景点|壁纸|gift|gifts|recommend|recommendations|suggest|suggestions|ideas|best|movie|song|songs|playlist|recipe|recipes|trip|vacation ideas|party|birthday cake|lol|haha|funny|memes|joke|toy|lego|game|games|show|shows|cafe|coffee|mugs|sofa|color|keyboard|tips|template|slide deck|slides|podcast|blog|any good|similar|worth it|which brand',
  fiction:
    '小说|故事|剧本|主角|主人公|角色|童话|科幻|电影|电视剧|剧情|情节|台词|寓言|虚构|扮演|诗|歌词|相声|段子|动漫|游戏里|小品|反派|男主|女主|novel|story|fiction|character|protagonist|screenplay|script|movie|film|tv show|poem|lyrics|fairy tale|villain|plot|scene|role-play|roleplay|anime|episode|sitcom|dungeon|fictional|hero|heroine|chapter',
  research:
    '研究|数据显示|统计|论文|调查|报道|新闻|专家|世卫|人群|发病率|死亡率|患病率|临床试验|文献|综述|报告指出|百分之|全球|全国|我国|世界|国家|行业|社会|市场|学者|指南|study|studies|research|researchers|according to|survey|percent|population|statistics|report|global|worldwide|prevalence|incidence|mortality|clinical trial|guideline|epidemiology|market|industry|economy|nation|country|countries|government|journal|article|news|scientists|experts',
  genericPeople:
    '人们|老年人|青少年|儿童|成年人|孕妇|患者们|中老年人|一个人|一般人|普通人|用户|男性|女性|人类|家长们|父母们|年轻人|大众|公众|国人|people|patients|adults|children|parents|teenagers|women|men|users|individuals|persons|humans|consumers|workers|students|companies|kids|employees|elderly',
  figurative:
    '星座|巨蟹|摩羯|水瓶|双鱼|处女座|天蝎|白羊|金牛|双子|狮子座|天秤|射手|运势|塔罗|比喻|成语|谚语|俗语|歇后语|梗|网络用语|horoscope|zodiac|astrology|cancerian|capricorn|virgo|scorpio|aries|taurus|gemini|leo|libra|sagittarius|aquarius|pisces|metaphor|idiom|proverb|slang|pun|joke|crossword|band|album|song|tropic of',
  technical:
    '代码|函数|算法|接口|api|python|java|javascript|typescript|sql|数据库|字段|表结构|模型|训练|架构|系统设计|正则|脚本|变量|编译|报错|bug|框架|服务器|部署|前端|后端|数据集|神经网络|excel|公式|程序|软件|插件|代码库|app开发|实现一个|code|function|algorithm|database|schema|class|method|variable|regex|dataset|neural network|machine learning|software|framework|server|backend|frontend|endpoint|library|compile|error|debug|docker|kubernetes|query|script|spreadsheet|sdk|unit test|javascript|implement|react|opencv',
  language:
    '翻译|译成|润色|改写|语法|造句|近义词|反义词|英文怎么说|英语怎么说|中文怎么说|用英语|怎么读|拼音|缩写|标题|文案|作文|议论文|演讲稿|translate|translation|proofread|rewrite|rephrase|grammar|synonym|antonym|in french|in spanish|in chinese|in english|pronounce|spell|headline|essay|speech|blog post|slogan|tweet|caption|outline',
  study:
    '作业|考试|课程|教材|课本|试题|选择题|填空|知识点|期末|四六级|考研|题目|论述|名词解释|教案|课堂|学科|exam|textbook|homework|quiz|lesson plan|curriculum|course|lecture|multiple choice|flashcards|assignment|thesis|dissertation|syllabus|midterm|biology|class on',
  institution:
    '法律|政策|法规|条例|规定|制度|法院判|条款|宪法|保险法|劳动法|银行业|央行|利率|美联储|通胀|gdp|税率|企业|公司法|上市公司|合规|隐私政策|行业标准|national|law|policy|regulation|legislation|act|federal reserve|interest rate|inflation|gdp|central bank|compliance|gdpr|hipaa|ccpa|constitution|court ruled|supreme court|tax rate|bill|standard|template|best practices',
  curiosity:
    '我想知道|我想了解|我想学|我很好奇|我在写|我正在写|我要写|我想写|帮我写|给我写|给我讲|给我介绍|告诉我|帮我查|帮我解释|我在学|我在研究|我在准备|我在做一个|我感兴趣|i want to know|i wonder|i\'m curious|i\'m writing|i am writing|i\'m studying|i\'m learning|i\'m researching|i\'m working on|i\'m building|help me write|help me understand|tell me|i\'d like to learn|i\'m interested in|i need to write|can you explain|could you explain|give me|write me|i\'m preparing|i read|i heard|i saw|i watched|my teacher asked|my textbook',
  hypothetical: '如果|假如|假设|假使|倘若|万一|比如说|例如|设想|if someone|if a person|if you|suppose|imagine|hypothetically|assume|for example|let\'s say|in general|in theory',
  publicFigure:
    '乔布斯|霍金|梵高|贝多芬|爱因斯坦|林肯|罗斯福|肯尼迪|川普|特朗普|拜登|奥巴马|马斯克|比尔盖茨|巴菲特|马云|刘强东|许家印|贾跃亭|罗永浩|周杰伦|张国荣|林黛玉|曹操|诸葛亮|鲁迅|李白|苏轼|康熙|秦始皇|张学友|杰克逊|图灵|牛顿|王健林|任正非|雷军|史铁生|海伦凯勒|steve jobs|hawking|van gogh|beethoven|einstein|lincoln|kennedy|trump|biden|obama|musk|bill gates|buffett|freddie mercury|magic johnson|michael jackson|turing|oscar wilde|newton|shakespeare|darwin|frida|hemingway|angelina jolie|elton john|taylor swift|beyonce|tim cook|bezos|zuckerberg|pope|dalai lama|muhammad ali|enron|theranos|elizabeth holmes|lehman|sherlock|dr. house|walter white|harry potter|hamlet|romeo|gatsby|christina yang',
  named:
    '小王|小李|小张|小刘|小陈|小杨|小黄|小赵|小周|小吴|小孙|小林|小何|小高|小郑|小谢|小马|小徐|老王|老李|老张|老刘|老陈|老杨|老赵|老周|老吴|老孙|老徐|王总|李总|张总|刘总|陈总|王姐|李姐|张姐|刘姐|王哥|李哥|张哥|王阿姨|李阿姨|张阿姨|王叔|李叔|张叔|刘叔|王先生|李先生|张先生|刘先生|陈先生|王女士|李女士|张女士|刘女士|陈女士|王某|李某|张某|刘某|陈某|阿强|阿伟|阿芳|阿明|小红|小芳|小丽|小雨|张伟|王芳|李娜|李强|王伟|刘洋|张敏|王磊|李静|陈静|王丽|刘伟|张丽|周婷|吴磊|赵敏|陈浩|林芳|john|sarah|mike|michael|emily|jessica|david|james|robert|mary|linda|anna|tom|kevin|lisa|karen|amy|rachel|daniel|chris|laura|maria|jason|brian|jenny|steve|paul|mark|susan|emma|olivia|noah|liam|ethan|mia|sophie|lucas|jake|ryan|megan|hannah|priya|carlos|ahmed|wei|mr|mrs|ms',
} as const; // prettier-ignore

export type CueGroup = keyof typeof cueWords;
