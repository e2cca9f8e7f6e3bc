DROP PROCEDURE IF EXISTS cancel_expired_order;
DELIMITER $$
CREATE PROCEDURE cancel_expired_order (
    IN p_order_id BIGINT
)
    COMMENT 'Description: cancels one unpaid order that is past its time, and gives back what it took, exactly once.
Outside a transaction it is one of its own and leaves none open; inside one it is part of it: the caller''s COMMIT or ROLLBACK
decides, and when it fails exactly its own work is undone. Call it again when the answer was lost: it tells what the first call did.
Parameters: p_order_id: the order''s id.
Result: 1 row: order_id, outcome, coupon_refunded, points_refunded (minor units), cancelled_at, expires_at (in the shop''s clock),
returned (JSON: kind to amount, as texts), clock (UTC offset of the times). Of an order that was cancelled before they tell what came back then.
Outcomes: cancelled, not_found, not_pending, contradictory, not_expired, excluded, on_hold.
Errors: 50001 p_order_id is NULL or not positive; 1205 and 1213 lock conflicts, 50009 a row went meanwhile: call again; 50003 the
setting is lost; 50006 the clock was changed; 50010 what the shop file sets did not make the order cancelled.
Example: CALL cancel_expired_order(28229)'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    CALL order_timeout_cancel(p_order_id, NULL, 'timeout', 'order_timeout');
END$$
DELIMITER ;
