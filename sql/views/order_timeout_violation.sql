-- What must never be, one row each: empty in a sound shop, whatever faults it has seen.
-- What a call that was cut short left half done is no violation, see order_timeout_half_done.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_violation AS
SELECT 'journal' AS invariant, order_id, detail FROM order_timeout_violation_journal
 UNION ALL
SELECT 'ledger' AS invariant, order_id, detail FROM order_timeout_violation_ledger
 UNION ALL
SELECT 'twice' AS invariant, order_id, detail FROM order_timeout_violation_twice
 UNION ALL
SELECT 'excess' AS invariant, order_id, detail FROM order_timeout_violation_excess;
