-- Mirakl returns (RT11), parsed once.
-- Grain: one row a record. Keys: page, record. Guarantee: no record is lost, unreadable
-- parts are null. The documented sample writes carrierCode, the schema carrier_code: both
-- are read.
SELECT page, record, json_transform(body, '{
    "id": "VARCHAR", "order_id": "VARCHAR", "rma": "VARCHAR", "state": "VARCHAR",
    "reason_code": "VARCHAR", "description": "VARCHAR",
    "date_created": "VARCHAR", "last_updated": "VARCHAR",
    "tracking": {
        "carrier_code": "VARCHAR", "carrierCode": "VARCHAR",
        "carrier_standard_code": "VARCHAR", "tracking_number": "VARCHAR"
    },
    "return_lines": [{"order_line_id": "VARCHAR", "quantity": "VARCHAR"}]
}') AS r
FROM records
