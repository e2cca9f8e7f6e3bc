/** 12,345 */
export const whole = (value: number) => Math.round(value).toLocaleString('en');

/** 1.23 ms */
export const ms = (value: number) => `${value.toFixed(2)} ms`;

/** Three figures: 27.4, 0.71, 132 */
export const figures = (value: number) => Number(value.toPrecision(3)).toLocaleString('en');
