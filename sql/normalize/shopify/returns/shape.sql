-- Shopify orders with one return each (a page is cut so), parsed once.
-- Grain: one row a record. Keys: page, record. Guarantee: no record is lost, unreadable
-- parts are null.
WITH cut AS (
    SELECT page, record, body, json_extract(body, [
        '$.returns.nodes[0]', '$.returns[0]',
        '$.returns.nodes[0].returnLineItems.nodes', '$.returns[0].returnLineItems.nodes',
        '$.returns[0].returnLineItems', '$.returns.nodes[0].returnLineItems'
    ]) AS part
    FROM records
)

SELECT
    page,
    record,
    split_part(json_extract_string(body, '$.id'), '/', -1) AS external_id,
    json_extract_string(body, '$.updatedAt') AS updated_at,
    json_transform(coalesce(part[1], part[2]), '{
        "id": "VARCHAR", "name": "VARCHAR", "status": "VARCHAR", "createdAt": "VARCHAR",
        "reverseFulfillmentOrders": {"nodes": [{"reverseDeliveries": {"nodes": [{
            "deliverable": {"tracking": {"number": "VARCHAR", "carrierName": "VARCHAR"}}
        }]}}]}
    }') AS r,
    list_transform(
        json_transform(coalesce(part[3], part[4], part[5], part[6]), '[{
            "quantity": "VARCHAR", "returnReason": "VARCHAR",
            "returnReasonDefinition": {"handle": "VARCHAR"},
            "returnReasonNote": "VARCHAR", "customerNote": "VARCHAR",
            "fulfillmentLineItem": {"lineItem": {"id": "VARCHAR"}}
        }]'),
        lambda l: {
            line_id: split_part(l.fulfillmentLineItem.lineItem.id, '/', -1),
            quantity: l.quantity,
            reason_raw: coalesce(l.returnReasonDefinition.handle, l.returnReason),
            reason_text: coalesce(
                nullif(trim(l.customerNote), ''), nullif(trim(l.returnReasonNote), '')
            )
        }
    ) AS lines
FROM cut
