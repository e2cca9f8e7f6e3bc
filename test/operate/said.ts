import type { Finding } from '../../scripts/operate/doctor';

/** A finding of one check, as "status: text". */
export function said(findings: readonly Finding[], about: string): string {
  return findings
    .filter((finding) => finding.about === about)
    .map(({ severity, text, remedy }) => `${severity}: ${text} ${remedy}`.trim())
    .join('\n');
}

export const failed = (findings: readonly Finding[]) =>
  findings
    .filter(({ severity }) => severity === 'fail')
    .map(({ about, text }) => `${about}: ${text}`);
