import { isCode, isTest, type Rule } from '../source-file.ts';

export const openingComment: Rule = {
  name: 'a file opens with a comment that says what it is for',
  check: (files) =>
    files
      .filter((file) => isCode(file) && !isTest(file) && !/\.d\.ts$/.test(file.path))
      .filter(({ text }) => !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(text))
      .map(({ path }) => `${path} begins without a word`),
  bad: [{ 'a/src/x.ts': 'export const a = 5;' }],
  good: { 'a/src/x.ts': '// Fives.\nexport const a = 5;', 'a/src/x.test.ts': 'it();', 'test/tidy/x.ts': '' },
};
