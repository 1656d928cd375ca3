import { describe, expect, it } from 'vitest';
import {
  disguises,
  makeMobile,
  makeResidentId,
  makeSocialCreditCode,
  makeUnionPayCard,
} from '../../training/generate-identifiers.ts';
import { makeRandom } from '../../training/random.ts';
import { examineText } from '../examine-text.ts';
import type { IdentifierType } from '../types.ts';

const find = (text: string): { type: IdentifierType; text: string }[] =>
  examineText(text, { topics: false })
    .matches.filter(({ confidence }) => confidence >= 0.5)
    .map(({ type, start, end }) => ({ type, text: text.slice(start, end) }));

const found: [IdentifierType, string, string][] = [
  ['resident-id', '11010519491231002X', '身份证11010519491231002X'],
  ['resident-id', '11010519491231002x', '我的证件号是11010519491231002x,请保密'],
  ['resident-id', '130503670401001', '身份证号130503670401001'],
  ['phone', '+86 138 0013 8000', '打 +86 138 0013 8000'],
  ['phone', '010-62345678', '办公室 010-62345678'],
  ['phone', '(415) 555-2671', 'my number is (415) 555-2671'],
  ['phone', '+852 9123 4567', 'WhatsApp +852 9123 4567'],
  ['phone', 'yi san ba ling ling yi san ba ling ling ling', 'dianhua yi san ba ling ling yi san ba ling ling ling'],
  [
    'phone',
    'one three eight double zero one three eight double zero zero',
    'one three eight double zero one three eight double zero zero',
  ],
  ['bank-card', '4111 1111 1111 1111', 'Visa 4111 1111 1111 1111'],
  ['passport', 'E12345678', '护照号E12345678'],
  ['travel-permit', 'C12345678', '港澳通行证C12345678'],
  ['travel-permit', 'H1234567800', '回乡证H1234567800'],
  ['travel-permit', '12345678', '台胞证12345678'],
  ['hkid', 'A123456(3)', 'HKID A123456(3)'],
  ['taiwan-id', 'A123456789', '台湾身份证A123456789'],
  ['social-credit-code', '91350100M000100Y43', '信用代码 91350100M000100Y43'],
  ['licence-plate', '粤B·D12345', '车牌粤B·D12345'],
  ['licence-plate', '沪AD12345', '沪AD12345是我的车'],
  ['email', 'zhang.san@qq.com', '邮箱zhang.san@qq.com'],
  ['email', 'zhаng@qq.com', 'Cyrillic zhаng@qq.com'],
  ['email', 'zhangsan艾特qq点com', '邮箱 zhangsan艾特qq点com'],
  ['ip-address', '8.219.33.7', '服务器 8.219.33.7'],
  ['ip-address', '2400:3200:baba::1', 'ping 2400:3200:baba::1'],
  ['iban', 'GB82 WEST 1234 5698 7654 32', 'IBAN GB82 WEST 1234 5698 7654 32'],
  ['us-ssn', '123-45-6789', 'SSN: 123-45-6789'],
  ['vin', '1HGCM82633A004352', 'VIN 1HGCM82633A004352'],
  ['messenger-id', 'abc_12345', '微信号:abc_12345'],
  ['messenger-id', '123456789', 'QQ 123456789'],
  ['secret', 'ghp_abcdefghijklmnopqrstuvwxyz0123456789', 'token ghp_abcdefghijklmnopqrstuvwxyz0123456789'],
  ['secret', 'AKIAIOSFODNN7EXAMPLE', 'AKIAIOSFODNN7EXAMPLE'],
  ['password', 'abc123456', '密码是abc123456'],
  ['password', 'sunshine', 'my password is sunshine'],
  ['verification-code', '482913', '您的验证码为:482913,5分钟内有效'],
  ['coordinates', '39.904211, 116.407394', '我在 39.904211, 116.407394'],
  ['person-name', '张伟', '我叫张伟,今年30岁'],
  ['person-name', 'John Smith', 'My name is John Smith.'],
  ['address', '上海市浦东新区世纪大道100号3栋502室', '我住在上海市浦东新区世纪大道100号3栋502室'],
  [
    'address',
    '123 Main Street, Apt 4B, Springfield, IL 62704',
    'I live at 123 Main Street, Apt 4B, Springfield, IL 62704',
  ],
  ['birth-date', '1990年3月7日', '我出生于1990年3月7日'],
  ['birth-date', '1990-03-07', '张晓雯 女 1990-03-07 技术部'],
  ['birth-date', '1987 on the 3rd of may', 'she was born in 1987 on the 3rd of may'],
  ['travel-permit', 'L12345678', '大陆居民往来台湾通行证 L12345678'],
  ['travel-permit', '87654321', '臺灣居民來往大陸通行證:87654321'],
  ['passport', 'C01X00T47', 'passport number C01X00T47'],
  ['passport', '123456789', '护照号 123456789'],
  ['licence-plate', '沪A1234领', '车牌沪A1234领'],
  ['licence-plate', '使014578', '停着一辆 使014578'],
  ['phone', '+86 10 6234 5678', '打 +86 10 6234 5678'],
  ['address', '石桥村3组12号', '我家在石桥村3组12号'],
  ['password', 'Xk9#mQ2vLp', 'DB_PASSWORD=Xk9#mQ2vLp'],
  ['secret', 'redis://:s3cretPw9@10.1.2.3:6379', '连 redis://:s3cretPw9@10.1.2.3:6379'],
  ['medical-record', '20231234', '病历号:20231234'],
  ['social-insurance', '1234567890', '社保号 1234567890'],
  ['bank-account', '6001234567890', '开户行工行,账号:6001234567890'],
];

describe('identifiers', () => {
  it.each(found)('finds a %s and points at "%s"', (type, value, text) => {
    expect(find(text)).toContainEqual({ type, text: value });
  });

  it('finds what base64 hides, and points at the base64', () => {
    const hidden = btoa('call 13800138000');
    expect(find(`decode ${hidden} please`)).toEqual([
      {
        type: 'phone',
        text:
          hidden.replace(/=+$/, '') +
          '='.repeat(hidden.endsWith('=') ? hidden.length - hidden.replace(/=+$/, '').length : 0),
      },
    ]);
  });

  const makers = {
    'resident ID': [makeResidentId, 'resident-id'],
    'mobile number': [makeMobile, 'phone'],
    'bank card': [makeUnionPayCard, 'bank-card'],
  } as const;
  for (const [name, [make, type]] of Object.entries(makers)) {
    it.each(Object.keys(disguises))(`finds every ${name} written with: %s`, (disguise) => {
      const random = makeRandom(7);
      for (let round = 0; round < 60; round++) {
        const value = make(() => random.next());
        const written = disguises[disguise]?.(value, () => random.next()) ?? value;
        const text = `请记住 ${written} 谢谢`;
        const match = examineText(text, { topics: false }).matches.find((one) => one.type === type);
        expect(match, text).toBeDefined();
        // The span covers the whole of what was written, whatever was between the digits.
        const covered = text.slice(match!.start, match!.end);
        expect(
          written.includes(covered) && covered.length >= written.replace(/[\u202c\u202d]/g, '').length,
          `${text} → ${covered}`,
        ).toBe(true);
      }
    });
  }

  it('finds every social credit code', () => {
    const random = makeRandom(11);
    for (let round = 0; round < 100; round++) {
      const code = makeSocialCreditCode(() => random.next());
      expect(find(`税号${code}。`)).toContainEqual({ type: 'social-credit-code', text: code });
    }
  });

  it('finds no resident ID or card with a wrong check digit', () => {
    const random = makeRandom(13);
    for (let round = 0; round < 200; round++) {
      const id = makeResidentId(() => random.next());
      const wrongId = id.slice(0, 17) + (id.endsWith('5') ? '6' : '5');
      expect(find(`号码 ${wrongId} 。`).map(({ type }) => type)).not.toContain('resident-id');
      const card = makeUnionPayCard(() => random.next());
      const wrongCard = card.slice(0, -1) + String((Number(card.at(-1)) + 1) % 10);
      expect(find(`号码 ${wrongCard} 。`).map(({ type }) => type)).not.toContain('bank-card');
    }
  });

  it.each([
    '订单号:13812345678',
    '快递单号 SF1403358812345',
    '运单 75312345678901',
    'iPhone 13 Pro Max 256GB',
    'ISBN 978-7-111-40701-0',
    '2023-10-12 13:45:20',
    '1700000000000',
    '版本 1.2.3.4',
    'Chrome/120.0.6099.109',
    '我买了13800138000元的债券',
    '圆周率 3.14159265358979323846',
    'd41d8cd98f00b204e9800998ecf8427e',
    '550e8400-e29b-41d4-a716-446655440000',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '192.168.1.1 和 127.0.0.1:8080',
    '密码是什么意思',
    'password: string',
    'The password is required',
    '密码是8位数字',
    '验证码是6位数字',
    '我是高中生',
    '我叫了外卖',
    '唐宁街10号',
    '拨打10086 或 400-800-8888',
    '[0.1234, 0.5678]',
    '1 4 9 16 25 36 49 64 81',
    '1,2,3,4,5,6,7,8,9,10,11,12',
    'git@github.com:foo/bar.git',
    'logo@2x.png',
    'api_key = os.environ["OPENAI_API_KEY"]',
    '鲁迅生于1881年9月25日',
    '小说主角我叫张三丰',
    '客服热线 010-62345678',
    '例如 user@example.com',
    '测试卡号 5555555555554444',
    'api_response_handler_v2_test_case',
    '护照 20250101 到期',
    '物料 H12345678 缺货',
  ])('leaves alone: %s', (text) => {
    expect(find(text)).toEqual([]);
  });

  it('does not hang on long hostile text', () => {
    for (const text of [
      '1 '.repeat(5000),
      '王'.repeat(10_000),
      'a@'.repeat(5000),
      '号1'.repeat(5000),
      'A'.repeat(20_000),
      '路一二三'.repeat(3000),
    ]) {
      expect(() => find(text)).not.toThrow();
    }
  });
});
