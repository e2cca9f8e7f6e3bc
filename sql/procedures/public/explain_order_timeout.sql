DROP PROCEDURE IF EXISTS explain_order_timeout;
DELIMITER $$
CREATE PROCEDURE explain_order_timeout (
    IN p_order_id BIGINT
)
    COMMENT 'Tells in plain words why an order was, or was not, or will be cancelled, and what came back. Locks nothing.
Parameters: p_order_id: orders.id.
Result: step, verdict, detail: first the answer, then what it rests on.
Steps: answer, order, policy, hold, failure, cancellation, refund, finding, refundable, missing.
Errors: 50001 p_order_id is NULL or not positive; 50003 order_timeout_setting has lost its row.
Example: CALL explain_order_timeout(28229)'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_caller_time_zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
    DECLARE v_clock CHAR(6);
    DECLARE v_enabled BOOLEAN;
    DECLARE v_timeout_minutes INT;
    DECLARE v_now DATETIME(3);
    DECLARE v_status BIGINT;
    DECLARE v_source_type BIGINT;
    DECLARE v_user_id BIGINT;
    DECLARE v_created_at DATETIME(3);
    DECLARE v_due_at DATETIME(3);
    DECLARE v_cancelled_at DATETIME(3);
    DECLARE v_held_until DATETIME(3);
    DECLARE v_paused BOOLEAN;
    DECLARE v_cancellations INT;
    DECLARE v_refunds INT;
    DECLARE v_half_done INT;
    DECLARE v_attempts INT;
    DECLARE v_retry_at DATETIME(3);
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET SESSION time_zone = v_caller_time_zone;
        RESIGNAL;
    END;

    CALL order_timeout_require_id('p_order_id', p_order_id);
    CALL order_timeout_read_clock(v_clock, v_now);
    SET SESSION time_zone = v_clock;
    SELECT MAX(status), MAX(source_type), MAX(user_id), MAX(created_at), MAX(cancelled_at)
      INTO v_status, v_source_type, v_user_id, v_created_at, v_cancelled_at
      FROM orders
     WHERE id = p_order_id;
    CALL order_timeout_read_policy(v_source_type, v_clock, v_enabled, v_timeout_minutes);
    SET v_due_at = v_created_at + INTERVAL v_timeout_minutes MINUTE;
    SELECT MAX(held_until)
      INTO v_held_until
      FROM order_timeout_hold
     WHERE order_id = p_order_id AND held_until > v_now;
    SELECT MAX(paused)
      INTO v_paused
      FROM order_timeout_setting;
    SELECT COUNT(*)
      INTO v_cancellations
      FROM order_timeout_cancellation
     WHERE order_id = p_order_id;
    SELECT COALESCE(SUM(refund.cause <> 'repair' AND COALESCE(batch.settled, 1)), 0), COALESCE(SUM(batch.settled = 0), 0)
      INTO v_refunds, v_half_done
      FROM order_timeout_refund AS refund
      LEFT JOIN order_timeout_batch AS batch ON batch.id = refund.batch_id
     WHERE refund.order_id = p_order_id;
    SELECT MAX(attempts), MAX(retry_at)
      INTO v_attempts, v_retry_at
      FROM order_timeout_failure
     WHERE order_id = p_order_id;

    SELECT told.step, told.verdict, told.detail
      FROM (
        SELECT 1 AS place, 1 AS nth, 'answer' AS step,
               CASE WHEN v_status IS NULL THEN 'not_found'
                    WHEN v_status = 2 THEN 'paid'
                    WHEN v_status = 3 AND v_cancellations + v_refunds > 0 THEN 'cancelled'
                    WHEN v_status = 3 THEN 'cancelled_elsewhere'
                    WHEN v_status <> 1 THEN 'not_pending'
                    WHEN NOT v_enabled THEN 'excluded'
                    WHEN v_held_until IS NOT NULL THEN 'on_hold'
                    WHEN v_due_at >= v_now OR v_due_at IS NULL THEN 'not_expired'
                    WHEN v_attempts > 0 AND v_retry_at IS NULL THEN 'set_aside'
                    WHEN v_attempts > 0 AND v_retry_at > v_now THEN 'will_be_retried'
                    WHEN v_paused THEN 'paused'
                    ELSE 'due' END AS verdict,
               CASE WHEN v_status IS NULL THEN CONCAT('There is no order ', p_order_id, '.')
                    WHEN v_status = 2 THEN 'The order is paid: it is not cancelled.'
                    WHEN v_status = 3 AND v_cancellations > 0 THEN
                        CONCAT('The order was cancelled', COALESCE(CONCAT(' at ', v_cancelled_at), ''), ': see cancellation and refund.')
                    WHEN v_status = 3 AND v_refunds > 0 THEN
                        CONCAT('The order was cancelled', COALESCE(CONCAT(' at ', v_cancelled_at), ''), ': see refund. The entry in ',
                               'order_timeout_cancellation is gone (order_timeout_setting.retention_days).')
                    WHEN v_status = 3 AND v_half_done > 0 THEN
                        CONCAT('The order was cancelled', COALESCE(CONCAT(' at ', v_cancelled_at), ''),
                               ', but not by this engine, of which a call was cut short: CALL repair_missing_refund(',
                               p_order_id, ').')
                    WHEN v_status = 3 THEN
                        CONCAT('The order was cancelled', COALESCE(CONCAT(' at ', v_cancelled_at), ''),
                               ', but the journal has nothing of it: not by this engine, or with nothing to give back ',
                               'and longer ago than order_timeout_setting.retention_days.')
                    WHEN v_status <> 1 THEN CONCAT('The order has status ', v_status, ', which is not pending (1).')
                    WHEN NOT v_enabled THEN CONCAT('Orders of source type ', v_source_type, ' never time out.')
                    WHEN v_held_until IS NOT NULL THEN CONCAT('The order is on hold until ', v_held_until, '.')
                    WHEN v_due_at >= v_now THEN CONCAT('The order waits for payment until ', v_due_at, '.')
                    WHEN v_due_at IS NULL THEN 'The order has no created_at: it never times out.'
                    WHEN v_attempts > 0 AND v_retry_at IS NULL THEN
                        CONCAT('The order was to be cancelled, failed ', v_attempts,
                               ' times and is set aside: mend the cause (see failure), then CALL retry_failed_order(',
                               p_order_id, ').')
                    WHEN v_attempts > 0 AND v_retry_at > v_now THEN
                        CONCAT('The order was to be cancelled and failed; it is tried again after ', v_retry_at, '.')
                    WHEN v_paused THEN 'The order is past its time, but the sweep is paused.'
                    ELSE 'The order is past its time: the next sweep cancels it.' END AS detail
        UNION ALL
        SELECT 2, 1, 'order',
               CASE v_status WHEN 1 THEN 'pending' WHEN 2 THEN 'paid' WHEN 3 THEN 'cancelled'
                             ELSE CONCAT('status ', v_status) END,
               CONCAT('Placed at ', COALESCE(v_created_at, 'no known time'), ' by user ', v_user_id, ', source type ',
                      COALESCE(v_source_type, 'NULL'), '.')
          FROM DUAL
         WHERE v_status IS NOT NULL
        UNION ALL
        SELECT 3, 1, 'policy', IF(v_enabled, 'times_out', 'excluded'),
               IF(v_enabled,
                  CONCAT('Source type ', COALESCE(v_source_type, 'NULL'), ' times out after ', v_timeout_minutes, ' minutes',
                         COALESCE(CONCAT(': at ', v_due_at), ''), '.'),
                  CONCAT('Source type ', v_source_type, ' is switched off in order_timeout_policy',
                         COALESCE((SELECT CONCAT(': ', NULLIF(remark, '')) FROM order_timeout_policy
                                    WHERE source_type = v_source_type), ''), '.'))
          FROM DUAL
         WHERE v_status IS NOT NULL
        UNION ALL
        SELECT 4, 1, 'hold', IF(held_until > v_now, 'held', 'over'),
               CONCAT('Held by ', held_by, ' at ', held_at, ' until ', held_until,
                      IF(reason = '', '', CONCAT(': ', reason)), '.')
          FROM order_timeout_hold
         WHERE order_id = p_order_id
        UNION ALL
        SELECT 5, 1, 'failure', IF(retry_at IS NULL, 'set_aside', 'will_be_retried'),
               CONCAT('Failed ', attempts, IF(attempts = 1, ' time', ' times'), ', last at ', last_failed_at,
                      ', with error ', error_number, ': ', error_message)
          FROM order_timeout_failure
         WHERE order_id = p_order_id AND v_status = 1 /* pending */
        UNION ALL
        SELECT 6, cancelled.batch_id, 'cancellation', cancelled.cause,
               CONCAT('Cancelled at ', cancelled.cancelled_at,
                      CASE WHEN cancelled.cause = 'timeout' AND cancelled.run_id IS NOT NULL
                           THEN CONCAT(' by the sweep, run ', cancelled.run_id)
                           WHEN cancelled.cause = 'timeout' THEN ' by a call of cancel_expired_order()'
                           WHEN cancelled.cause = 'user' THEN ' by its user'
                           ELSE ' by an admin' END,
                      COALESCE(CONCAT(' (account ', batch.called_by, ', remark: ', batch.remark, ')'), ''),
                      IF(batch.settled = 0, '; the call was cut short, the next cancel completes it', ''),
                      '. Came back: coupon money ', cancelled.coupon_refunded,
                      ', points ', cancelled.points_refunded, '.')
          FROM order_timeout_cancelled AS cancelled
          LEFT JOIN order_timeout_batch AS batch ON batch.id = cancelled.batch_id
         WHERE cancelled.order_id = p_order_id
        UNION ALL
        SELECT 7, refund.target_id, 'refund', refund.cause,
               CONCAT(refund.amount,
                      CASE WHEN NOT IF(refund.kind = 'coupon', batch.coupons_given, batch.points_given)
                           THEN CONCAT(IF(refund.kind = 'coupon', ' was to come back to coupon ', ' points were to come back to user '),
                                       refund.target_id, ', but the call was cut short before')
                           WHEN refund.kind = 'coupon' THEN CONCAT(' came back to coupon ', refund.target_id)
                           ELSE CONCAT(' points came back to user ', refund.target_id, ', row ', refund.account_id) END,
                      ' at ', refund.refunded_at, '; that they were taken is known from ',
                      CASE refund.source WHEN 'ledger' THEN 'user_coupon_ledger'
                                         WHEN 'orders' THEN 'orders.points_amount' ELSE 'order_coupons' END,
                      IF(refund.stays_held, '; the coupon stays held for another order', ''),
                      IF(batch.settled = 0, '; the call was cut short, the ledger row may be missing', ''), '.')
          FROM order_timeout_refund AS refund
          LEFT JOIN order_timeout_batch AS batch ON batch.id = refund.batch_id
         WHERE refund.order_id = p_order_id
        UNION ALL
        SELECT 8, target.coupon_id, 'finding', IF(user_coupons.id IS NULL, 'missing_coupon', 'duplicate_coupon'),
               IF(user_coupons.id IS NULL,
                  CONCAT('The order names coupon ', target.coupon_id, ', which does not exist: nothing can come back to it.'),
                  CONCAT('Coupon ', target.coupon_id, ' stands ', target.copies,
                         ' times in order_coupons: the larger amount, ', target.applied, ', counts.'))
          FROM order_timeout_coupon_target AS target
          LEFT JOIN user_coupons ON user_coupons.id = target.coupon_id
         WHERE target.order_id = p_order_id AND (user_coupons.id IS NULL OR target.copies > 1)
        UNION ALL
        SELECT 9, coupon_id, IF(v_status = 1, 'refundable', 'missing'), IF(is_second_take, 'second_take', 'coupon'),
               CONCAT(amount, ' of coupon ', coupon_id,
                      CASE WHEN is_second_take THEN ' was taken anew after a refund: for a person to decide.'
                           WHEN v_status = 1 THEN CONCAT(' comes back when the order is cancelled, known from ', source, '.')
                           ELSE CONCAT(' never came back: CALL repair_missing_refund(', p_order_id, ').') END)
          FROM order_timeout_coupon_refundable
         WHERE order_id = p_order_id AND v_status IN (1, 3)
        UNION ALL
        SELECT 9, user_id, IF(v_status = 1, 'refundable', 'missing'), IF(is_second_take, 'second_take', 'points'),
               CONCAT(amount, ' points of user ', user_id,
                      CASE WHEN is_second_take THEN ' were taken anew after a refund: for a person to decide.'
                           WHEN v_status = 1 THEN ' come back when the order is cancelled.'
                           ELSE CONCAT(' never came back: CALL repair_missing_refund(', p_order_id, ').') END)
          FROM order_timeout_points_refundable
         WHERE order_id = p_order_id AND v_status IN (1, 3)
      ) AS told
     ORDER BY told.place, told.nth, told.step;
    SET SESSION time_zone = v_caller_time_zone;
END$$
DELIMITER ;
