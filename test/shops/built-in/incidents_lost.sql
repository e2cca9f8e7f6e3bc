-- What the shop's old timeout task made of incidents.sql, which comes first: it gave back held coupons only
-- (status 4), found none, and cancelled the orders all the same. User 9110 lost 1000 twice.
-- Not part of a deployment. Times in the session's time zone.

UPDATE orders
   SET status = 3 /* cancelled */,
       cancelled_at = created_at + INTERVAL 31 MINUTE
 WHERE id IN (28229, 26743);
