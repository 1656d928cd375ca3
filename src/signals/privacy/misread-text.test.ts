import { describe, expect, it } from 'vitest';
import { detectPrivacy } from './detect.ts';
import type { TextSegment } from './types.ts';

const found = (text: string, origin: TextSegment['origin']): Record<string, string[]> => {
  const byType: Record<string, string[]> = {};
  for (const { type, start, end } of detectPrivacy([{ role: 'user', text, origin }]).findings) {
    (byType[type] ??= []).push(text.slice(start, end));
  }
  return byType;
};

describe('text read from a picture', () => {
  it('an identity card whose keys run together and whose digits look like letters', () => {
    const card =
      '姓名李建国性别男民族汉\n出生1949年12月31日\n住址北京市东城区长安胡同\n12号3单元201室\n公民身份号码1101O51949l231002X';
    expect(found(card, 'image')).toEqual({
      'person-name': ['李建国'],
      'birth-date': ['1949年12月31日'],
      address: ['北京市东城区长安胡同\n12号3单元201室'],
      'resident-id': ['1101O51949l231002X'],
    });
    // People paste what a reader gave them; what its checksum confirms counts there, too.
    expect(found(card, 'text')).toHaveProperty('resident-id', ['1101O51949l231002X']);
    expect(found(card.replace('231002X', '2310O3X'), 'text')).not.toHaveProperty('resident-id');
  });

  it.each([
    ['a card with letters in its groups', '卡号 62l7 OO1O 6633 52I1 有效期 08/29', 'bank-card'],
    ['a bank statement', '户名:王晓梅\n账号 6217 0010\n6633 5211\n余额 12,345.67', 'bank-card'],
    ['a code of an organisation', '统一社会信用代码 9I35O1OOM000100Y43', 'social-credit-code'],
    ['a telephone number', '联系电话:l39 O8OO l2l2', 'phone'],
    ['a number over two lines', '证件号码 110105194912\n31002X', 'resident-id'],
    ['a name with blanks', '姓 名 赵 文 博\n性 别 男', 'person-name'],
  ])('%s', (_, text, type) => {
    expect(Object.keys(found(text, 'image'))).toContain(type);
  });

  it('does not make numbers of words and part numbers', () => {
    expect(found('MODEL SO-1O0B  LOT 5OZ  BOSS DISCO 2OOO', 'image')).toEqual({});
    expect(found('版本 V2.O1 型号 B0SE-5O0 编号 G7-IO8', 'image')).toEqual({});
  });

  it('a diagnosis is a matter of health', () => {
    const text = '诊断证明书\n科室:内分泌\n诊断:2型糖尿病 高血压3级\n建议:休息两周 门诊随访';
    expect(detectPrivacy([{ role: 'user', text, origin: 'image' }]).topics[0]?.topic).toBe('health');
  });
});

describe('text heard in speech', () => {
  it.each([
    ['我的手机号是一三八嗯零八零零呃一二一二', 'phone'],
    ['手机幺三九,零八零零,那个,幺二幺二', 'phone'],
    ['身份证号一一零一零五,就是,一九四九一二三一零零二X', 'resident-id'],
    ['my number is four one five, um, five two five, uh, two six seven one', 'phone'],
    ['卡号是六二一七零零一零,然后,六六三三五二一一', 'bank-card'],
  ])('%s', (text, type) => {
    expect(Object.keys(found(text, 'speech'))).toContain(type);
  });

  it('counts and times stay what they are', () => {
    expect(found('嗯一二三四五,然后再来一遍,二二三四五,三二三四五', 'speech')).toEqual({});
    expect(found('明天八点,然后,九点半各有一个会', 'speech')).toEqual({});
  });
});
