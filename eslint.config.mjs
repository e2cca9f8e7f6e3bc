import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Each imports from those before it only. */
const LAYERS = ['client', 'deploy', 'operate', 'cli', 'dev'];
const downwards = LAYERS.map((layer, place) => ({
  files: [`scripts/${layer}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: LAYERS.slice(place + 1).map((above) => ({
          group: [`**/${above}`, `**/${above}/**`],
          message: `scripts/${layer} imports from ${['itself', ...LAYERS.slice(0, place)].join(', ')} only.`,
        })),
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist/', 'coverage/'] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { project: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Use a named export.' },
      ],
    },
  },
  ...downwards,
  { files: ['vitest.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
