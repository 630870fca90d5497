using Purser.Bench;

// `purser bench` measures; the other words are the servers it starts for that.
return args switch
{
    ["serve", "product", var connection] => await Shapes.Product(connection),
    ["serve", "product", var connection, var mailPort] => await Shapes.Product(connection, mailPort),
    ["serve", "plain", var connection] => await Shapes.Plain(connection),
    _ => await BenchCommand.Run(args),
};
