-- What is looked for often among what adds up for ever: questions that a person answered and the gateway may yet answer, refunds without an end, and closed questions by age.
create index settlement_discrepancies_answered on settlement_discrepancies (id) where resolved_at is not null and not final;
create index settlement_discrepancies_unanswered on settlement_discrepancies (id) where resolved_at is null;
create index settlement_discrepancies_closed on settlement_discrepancies (opened_at, id) where resolved_at is not null;
create index settlement_discrepancies_closed_of on settlement_discrepancies (account, opened_at, id) where resolved_at is not null;
create index discrepancies_closed on discrepancies (opened_at, order_id, sequence) where resolved_at is not null;
create index refunds_endless on refunds (order_id, number) where status <= 2;
