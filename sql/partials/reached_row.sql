{{#is_id}}
      LEFT JOIN order_timeout_shop_{{kind}} AS row_{{reach}} ON row_{{reach}}.{{id}} = {{value}}{{#when}} AND ({{when}}){{/when}}
{{/is_id}}
{{^is_id}}
      LEFT JOIN order_timeout_reach_{{reach}} AS to_{{reach}} ON to_{{reach}}.order_id = o.order_id
      LEFT JOIN order_timeout_shop_{{kind}} AS row_{{reach}} ON row_{{reach}}.{{id}} = to_{{reach}}.account_id
{{/is_id}}
