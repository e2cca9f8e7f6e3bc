-- What each order took as {{kind}} and what of it came back: the one view that preview, audit, repair, explain and
-- order_money() read. refundable: what a settlement would give now; nothing comes back twice, so it is 0 once the journal
-- has the key, and 0 for a kind without a journal. owed: claimed, and still to be given by the sweep. returned counts
-- what is owed. Where we write no ledger, what came back before is not seen beside the claim: with it all that was taken came back.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_money_{{kind}} AS
SELECT due.order_id,
       due.user_id,
       '{{kind}}' AS kind,
       CAST(due.target_id AS SIGNED) AS target_id,
       CAST(COALESCE(claim.account_id, due.account_id) AS SIGNED) AS account_id,
       due.taken,
       GREATEST(due.returned, COALESCE({{#ledger}}claim.amount{{/ledger}}{{^ledger}}claim.taken{{/ledger}}, 0)) AS returned,
       {{#owes}}COALESCE(IF(owed.amount > 0, claim.amount, 0), 0){{/owes}}{{^owes}}0{{/owes}} AS owed,
       {{#journal}}IF(claim.order_id IS NULL{{^open}} AND due.account_id IS NOT NULL{{/open}}, due.due, 0){{/journal}}{{^journal}}0{{/journal}} AS refundable,
       {{#is_auditable}}1{{/is_auditable}}{{^is_auditable}}0{{/is_auditable}} AS is_auditable,
       COALESCE(claim.source, due.source) AS source,
       claim.batch_id,
       claim.amount AS given
  FROM order_timeout_due_{{kind}} AS due
  LEFT JOIN order_timeout_refund AS claim FORCE INDEX (PRIMARY)
    ON claim.order_id = due.order_id AND claim.kind = '{{kind}}' AND claim.target_id = due.target_id{{#owes}}
  LEFT JOIN order_timeout_owed AS owed
    ON owed.kind = '{{kind}}' AND owed.account_id = claim.account_id AND owed.batch_id = claim.batch_id{{/owes}};
