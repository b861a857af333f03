namespace SolidCache.Redis.Resp;

/// <summary>A command that can write itself, more than once if it is sent on to another server.</summary>
internal interface IRespCommand
{
    void Write(RespWriter writer);
}

/// <summary>A word and a key.</summary>
internal readonly struct KeyCommand(byte[] head, string key) : IRespCommand
{
    public static readonly byte[] Get = "*2\r\n$3\r\nGET\r\n"u8.ToArray();
    public static readonly byte[] Unlink = "*2\r\n$6\r\nUNLINK\r\n"u8.ToArray();
    public static readonly byte[] Increment = "*2\r\n$4\r\nINCR\r\n"u8.ToArray();
    public static readonly byte[] Subscribe = "*2\r\n$9\r\nSUBSCRIBE\r\n"u8.ToArray();
    public static readonly byte[] Unsubscribe = "*2\r\n$11\r\nUNSUBSCRIBE\r\n"u8.ToArray();

    public void Write(RespWriter writer)
    {
        writer.Write(head);
        writer.WriteBulk(key);
    }
}

/// <summary>SET with PX, and NX where it is to be stored only if there is nothing.</summary>
internal readonly struct SetCommand(string key, ReadOnlyMemory<byte> value, long milliseconds, bool onlyIfAbsent) : IRespCommand
{
    private static readonly byte[] Set = "*5\r\n$3\r\nSET\r\n"u8.ToArray();
    private static readonly byte[] SetIfAbsent = "*6\r\n$3\r\nSET\r\n"u8.ToArray();

    public void Write(RespWriter writer)
    {
        writer.Write(onlyIfAbsent ? SetIfAbsent : Set);
        writer.WriteBulk(key);
        writer.WriteBulk(value.Span);
        writer.Write("$2\r\nPX\r\n"u8);
        writer.WriteBulk(milliseconds);
        if (onlyIfAbsent) writer.Write("$2\r\nNX\r\n"u8);
    }
}

internal readonly struct PublishCommand(string channel, ReadOnlyMemory<byte> message) : IRespCommand
{
    public void Write(RespWriter writer)
    {
        writer.Write("*3\r\n$7\r\nPUBLISH\r\n"u8);
        writer.WriteBulk(channel);
        writer.WriteBulk(message.Span);
    }
}

/// <summary>Any command.</summary>
internal readonly struct TextCommand(IReadOnlyList<string> arguments) : IRespCommand
{
    public void Write(RespWriter writer)
    {
        writer.WriteArrayHeader(arguments.Count);
        foreach (var argument in arguments) writer.WriteBulk(argument);
    }
}

/// <summary>A word and several keys.</summary>
internal readonly struct KeysCommand(string word, IReadOnlyList<string> keys) : IRespCommand
{
    public void Write(RespWriter writer)
    {
        writer.WriteArrayHeader(keys.Count + 1);
        writer.WriteBulk(word);
        foreach (var key in keys) writer.WriteBulk(key);
    }
}
