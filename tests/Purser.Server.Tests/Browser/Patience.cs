using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Playwright;

namespace Purser.Server.Tests.Browser;

/// <summary>A limit for what a browser is asked that has none of its own: without it a browser that never answers holds a whole run up, and nobody learns at what.</summary>
static class Patience
{
    /// <summary>Far more than a slow machine takes for what is done in a moment.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(120);

    public static async Task InTime(this Task asked, [CallerArgumentExpression(nameof(asked))] string what = "")
    {
        try
        {
            await asked.WaitAsync(Longest);
        }
        catch (TimeoutException) when (!asked.IsCompleted)
        {
            throw StillNot(what);
        }
    }

    public static async Task<T> InTime<T>(this Task<T> asked, [CallerArgumentExpression(nameof(asked))] string what = "")
    {
        try
        {
            return await asked.WaitAsync(Longest);
        }
        catch (TimeoutException) when (!asked.IsCompleted)
        {
            throw StillNot(what);
        }
    }

    static TimeoutException StillNot(string what) => new($"After {Longest.TotalSeconds} s the browser has still not done: {what}.");
}

/// <summary>A browser's window and what is in it, of which each call has a limit, its end too.</summary>
public class PatientContext : DispatchProxy
{
    IBrowserContext context = null!;

    public static IBrowserContext Of(IBrowserContext context)
    {
        var proxy = Create<IBrowserContext, PatientContext>();
        ((PatientContext)(object)proxy).context = context;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var what = $"{nameof(IBrowserContext)}.{targetMethod!.Name}";
        return targetMethod.Invoke(context, BindingFlags.DoNotWrapExceptions, null, args, null) switch
        {
            ValueTask ending => new ValueTask(ending.AsTask().InTime(what)),
            Task<IPage> page => page.InTime(what),
            Task task when !task.GetType().IsGenericType || targetMethod.ReturnType == typeof(Task) => task.InTime(what),
            var other => other,
        };
    }
}
