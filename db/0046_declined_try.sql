-- The gateway's name of the try that was declined last, where it names tries: the same try told of at two times is one decline.
alter table payments add column declined_try text;
