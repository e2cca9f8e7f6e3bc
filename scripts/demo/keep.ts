/** What `--keep` prints: where it is, and three things to try. */
export function keepLines(url: string): string[] {
  return [
    `The shop stays up: ${url}`,
    '',
    'Three things to try, in any MySQL client:',
    '',
    '  1. More unpaid orders. Within a minute the event has them:',
    "       CALL generate_orders('due', 1000, 7);",
    '       SELECT * FROM order_timeout_run ORDER BY id DESC LIMIT 3;',
    '',
    '  2. Set an order back to pending. It is cancelled again, and nothing is given back twice:',
    '       UPDATE orders SET status = 1 WHERE id = 28229;',
    '       CALL cancel_expired_order(28229);',
    '       SELECT * FROM user_coupon_ledger WHERE user_coupon_id = 1690;',
    '',
    '  3. Cancel in a transaction of your own, and change your mind:',
    '       START TRANSACTION;',
    "       CALL cancel_order((SELECT MAX(id) FROM orders WHERE status = 1), NULL, 'a try');",
    '       ROLLBACK;',
    '',
    'Ctrl-C stops it and leaves nothing behind.',
  ];
}
