/**
 * Traditional characters as the simplified ones that the rules, the word lists and the topic model are written in: one
 * for one, the common ones. Names keep their characters (`text`); only what is compared (`lower`) is folded.
 */
const pairs =
  '號号碼码證证証证電电話话機机聯联絡络銀银帳账賬账戶户臺台灣湾門门護护鄉乡來来內内陸陆簡简訊讯動动態态轉转匯汇體体檢检編编歷历險险勞劳車车個个請请給给發发問问應应開开關关醫医員员業业區区樓楼縣县鎮镇單单訂订運运東东驗验書书據据數数點点實实際际學学國国過过還还這这說说讓让嗎吗麼么們们對对時时間间會会後后長长當当樣样經经將将從从無无為为與与種种產产類类頭头見见現现記记認认識识論论譯译語语讀读變变錢钱價价費费貸贷債债賠赔償偿財财務务稅税續续繳缴納纳額额購购賣卖買买貨货質质責责貴贵賴赖贈赠進进遠远連连週周遊游達达違违選选遲迟適适鄰邻郵邮鐘钟鍾钟鐵铁鋪铺錄录錯错鏡镜針针釘钉釋释閱阅陽阳陰阴隊队階阶隨随雙双雜杂離离難难雲云靈灵靜静響响頁页項项順顺須须預预領领頻频題题顏颜願愿顯显風风飛飞飯饭飲饮館馆馬马駕驾驚惊髮发鬥斗魚鱼鮮鲜鳥鸟麗丽麥麦黃黄黨党齊齐齒齿齡龄龍龙龜龟親亲覺觉覽览觀观觸触計计討讨訓训託托許许設设訪访診诊詞词試试詩诗詢询該该詳详誌志誤误誰谁課课調调談谈講讲謝谢議议負负貝贝資资賽赛趙赵趕赶軍军軟软較较載载輕轻輛辆輪轮輸输辦办農农邊边鄭郑醬酱鎖锁鑰钥鋼钢閉闭閃闪閒闲術术衛卫衝冲裡里裏里製制複复補补裝装規规視视貓猫愛爱憂忧憶忆懷怀戀恋戰战戲戏擇择擔担擴扩掛挂換换損损搖摇搶抢擊击擠挤攝摄斷断曆历條条極极構构標标樹树橋桥檔档檯台歐欧歲岁殘残殺杀氣气決决沒没淚泪測测準准溝沟滅灭滿满漢汉潔洁濟济災灾煙烟煩烦熱热燈灯營营爐炉爭争爺爷爾尔牆墙獎奖獨独獲获環环畢毕畫画異异療疗癒愈癥症盤盘監监盡尽礎础確确禮礼祕秘稱称穩稳積积窮穷競竞筆笔節节範范築筑簽签籤签糧粮糾纠紀纪約约紅红級级細细紹绍終终組组結结絕绝統统絲丝綠绿維维網网緊紧線线緩缓練练縮缩總总織织繼继罰罚羅罗職职聖圣聞闻聲声聽听肅肃腦脑腫肿脫脱膚肤膽胆臉脸臨临舉举舊旧艱艰藝艺藥药蘇苏蘋苹處处虛虚蟲虫襲袭詐诈騙骗騎骑偵侦側侧備备傳传傷伤儀仪億亿優优兇凶兒儿兩两冊册凍冻別别刪删剛刚創创劃划劇剧劉刘勝胜勵励勢势協协參参吳吴啟启喪丧嚇吓嚴严圍围園园圖图團团場场塊块塵尘壓压壞坏壯壮夢梦夾夹奪夺婦妇媽妈嬰婴孫孙寧宁寫写寬宽寶宝專专尋寻導导屆届屬属岡冈島岛師师幣币幫帮幹干廠厂廣广廳厅張张強强彈弹彙汇徵征復复恆恒悶闷惡恶慣惯慘惨憲宪懇恳懲惩懶懒於于樂乐樁桩櫃柜權权歡欢歸归殼壳毀毁滬沪潛潜澤泽瀏浏灑洒狀状猶犹獄狱瑣琐瑪玛畝亩痠酸皺皱盜盗睏困矯矫礙碍禍祸穀谷窩窝籌筹糞粪綁绑綜综緣缘縫缝繞绕繪绘罵骂羨羡聰聪膠胶艦舰莊庄葉叶蓋盖蔣蒋薦荐藍蓝蘭兰蝦虾衆众眾众褲裤訝讶訴诉註注誇夸誠诚誡诫諮咨諾诺謀谋謊谎謹谨譜谱讚赞豐丰賓宾賭赌賺赚賞赏贏赢蹤踪躍跃輔辅輩辈輯辑轟轰辭辞遞递遺遗鄧邓釀酿閣阁闆板隱隐雖虽霧雾韓韩頂顶頓顿頗颇頸颈顧顾飽饱餅饼養养餘余駐驻騷骚驅驱鬆松鬧闹魯鲁鴨鸭鹽盐齋斋齣出賢贤偉伟傑杰鴻鸿瑋玮瓊琼鈺钰銘铭錦锦鵬鹏鳳凤瑩莹穎颖蓮莲倫伦凱凯勳勋堯尧嵐岚彥彦慶庆曉晓棟栋楊杨榮荣樺桦濤涛灝灏燁烨煒炜瑤瑶瓏珑禎祯綺绮緯纬縈萦翹翘薔蔷詠咏誼谊諭谕謙谦贊赞軒轩邁迈鄺邝鈞钧鋒锋鏵铧閔闵霽霁頌颂馮冯騰腾驊骅嫻娴婭娅嬌娇純纯緒绪綱纲紋纹蘊蕴藹蔼鄒邹鎧铠陳陈韋韦駱骆鮑鲍龐庞龔龚譚谭賈贾呂吕湯汤塗涂溫温盧卢喬乔聶聂閻阎遙遥蕓芸豔艳艷艳裊袅澐沄巖岩峯峰碩硕禦御鑒鉴鑑鉴雋隽鴿鸽鵑鹃鶯莺鸞鸾黴霉';

const simplified = new Map<number, string>();
for (let index = 0; index + 1 < pairs.length; index += 2)
  simplified.set(pairs.charCodeAt(index), pairs.charAt(index + 1));

/** One flag for each ideograph of U+4E00–U+9FFF, so that ordinary text costs one look-up for a character. */
const isTraditional = new Uint8Array(0x5200);
for (const [code, to] of simplified) if (to.charCodeAt(0) !== code) isTraditional[code - 0x4e00] = 1;

/** The text with simplified characters. Same length; the same string where nothing is traditional. */
export function foldTraditional(text: string): string {
  let folded = '';
  let from = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x4e00 || code > 0x9fff || isTraditional[code - 0x4e00] === 0) continue;
    folded += text.slice(from, index) + (simplified.get(code) ?? '');
    from = index + 1;
  }
  return from === 0 ? text : folded + text.slice(from);
}
