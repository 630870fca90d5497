-- An Idempotency-Key of the merchant's backend holds under every secret key. Of two that were used with other keys the older one counts.

update request_keys k set api_key_id = -1
from api_keys a
where a.id = k.api_key_id and a.kind = 0
    and not exists (select from request_keys o join api_keys b on b.id = o.api_key_id and b.kind = 0 where o.key = k.key and o.api_key_id < k.api_key_id);
