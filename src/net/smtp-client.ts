// A client of SMTP and LMTP (RFC 5321, RFC 2033): greets, starts TLS, logs in, hands over messages, and can be used
// for many. What the server offers is used; what a message needs and the server lacks is a refusal.

import { ChannelError } from './connecting.ts';
import { MessageDialog } from './message-dialog.ts';
import {
  type ClientSettings,
  type Handover,
  NotSentError,
  notSent,
  type OutgoingMessage,
  RefusalError,
  TlsError,
} from './outgoing-message.ts';
import { ServerOffers } from './server-offers.ts';
import { isPositive, localReply, type ServerReply, showReply } from './server-reply.ts';
import { SmtpChannel } from './smtp-channel.ts';
import { logIn } from './smtp-login.ts';
import { clientHello, xclientCommands } from './xclient.ts';

const READY = 220;
const GOODBYE_MS = 5000;

export class SmtpClient {
  readonly #settings: ClientSettings;
  readonly #channel: SmtpChannel;
  #offers = new ServerOffers(null);
  /** what the server was told of the client behind us */
  #told = '';
  /** messages handed over so far, taken or not */
  messages = 0;

  private constructor(settings: ClientSettings, channel: SmtpChannel) {
    this.#settings = settings;
    this.#channel = channel;
  }

  /** Connects and gets ready for a first message. @throws NotSentError */
  static async open(settings: ClientSettings, signal?: AbortSignal): Promise<SmtpClient> {
    try {
      return await SmtpClient.#open(settings, signal);
    } catch (error) {
      if (settings.tls !== 'try' || !(error instanceof TlsError) || signal?.aborted) throw notSent(error);
      settings.warn(`TLS failed, going on in clear: ${error.message}`);
      return SmtpClient.#open({ ...settings, tls: 'off' }, signal).catch((again: unknown) => {
        throw notSent(again);
      });
    }
  }

  static async #open(settings: ClientSettings, signal: AbortSignal | undefined): Promise<SmtpClient> {
    const { address, connectMs } = settings;
    const channel = await SmtpChannel.open(address, { connectMs, signal });
    const client = new SmtpClient(settings, channel);
    const onAbort = () => channel.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await client.#begin();
      return client;
    } catch (error) {
      channel.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Fit for another message. */
  get isUsable(): boolean {
    return this.#channel.isIdle;
  }

  offers(keyword: string): boolean {
    return this.#offers.has(keyword);
  }

  /** Waits for the next message without keeping the process alive. */
  rest(): void {
    this.#channel.unref();
  }

  /**
   * Hands a message over and gives the server's answer for each recipient: what the recipient was refused with, else
   * what the message was answered. Afterwards `isUsable` says whether another may follow. An abort ends it as long as
   * the message is not sent; the answer to one that is sent is waited for.
   *
   * @throws NotSentError
   */
  async deliver(message: OutgoingMessage, signal?: AbortSignal): Promise<Handover> {
    if (signal?.aborted) throw new NotSentError('given up');
    let dialog: MessageDialog | null = null;
    const onAbort = () => {
      if (dialog?.isCommitted !== true) this.#channel.close();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#channel.ref();
    this.messages++;
    try {
      if (message.client !== null) await this.#tellClient(message.client);
      dialog = new MessageDialog(this.#channel, this.#offers, this.#settings);
      return await dialog.deliver(message);
    } catch (error) {
      this.#channel.close();
      throw notSent(error);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Says goodbye, without waiting for the answer for long. */
  async quit(): Promise<void> {
    if (this.isUsable) {
      this.#channel.ref();
      await this.#channel.exchange('QUIT\r\n', 1, GOODBYE_MS);
    }
    this.#channel.close();
  }

  close(): void {
    this.#channel.close();
  }

  async #begin(): Promise<void> {
    const { tls, tlsOptions, connectMs, login } = this.#settings;
    if (tls === 'implicit') await this.#channel.startTls(tlsOptions, { connectMs });
    const greeting = await this.#ask('');
    if (greeting.code !== READY) throw new RefusalError('greeting', greeting);
    await this.#hello();
    if (tls === 'require' || tls === 'try') await this.#startTls(tls === 'require');
    if (login === null) return;
    const isPrivate = this.#channel.isEncrypted || this.#channel.isLocal;
    const mechanisms = this.#offers.words('AUTH');
    await logIn(login, { mechanisms, isPrivate, command: (line) => this.#ask(`${line}\r\n`) });
  }

  async #hello(hello = this.#settings.hello): Promise<void> {
    const { protocol } = this.#settings;
    const reply = await this.#ask(`${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${hello}\r\n`);
    this.#offers = new ServerOffers(isPositive(reply) ? reply : null);
    if (isPositive(reply)) return;
    // RFC 5321 section 3.2: whoever does not know EHLO is greeted in the old way.
    const old = protocol === 'lmtp' || reply.code < 500 ? reply : await this.#ask(`HELO ${hello}\r\n`);
    if (!isPositive(old)) throw new RefusalError('hello', old);
  }

  async #startTls(isRequired: boolean): Promise<void> {
    const { connectMs, tlsOptions, warn } = this.#settings;
    if (!this.#offers.has('STARTTLS')) {
      if (!isRequired) return;
      throw new RefusalError(
        'TLS is required',
        localReply(454, '4.7.0', 'the server does not offer STARTTLS'),
      );
    }
    const reply = await this.#ask('STARTTLS\r\n');
    if (reply.code === READY) {
      await this.#channel.startTls(tlsOptions, { connectMs }).catch((error: Error) => {
        throw new TlsError(`STARTTLS: ${error.message}`, { cause: error });
      });
      return this.#hello();
    }
    if (isRequired) throw new RefusalError('STARTTLS', reply);
    warn(`no TLS, going on in clear: ${showReply(reply)}`);
  }

  /** XCLIENT: the server is told of the client behind us, and begins anew. @throws RefusalError */
  async #tellClient(attributes: ReadonlyMap<string, string>): Promise<void> {
    if (!this.#offers.has('XCLIENT')) {
      throw new RefusalError('XCLIENT', localReply(451, '4.3.5', 'the server does not offer it'));
    }
    const commands = xclientCommands(attributes, this.#offers.words('XCLIENT'));
    const told = commands.join('\n');
    if (told === this.#told) return;
    for (const command of commands) {
      const reply = await this.#ask(`${command}\r\n`);
      if (reply.code !== READY) throw new RefusalError('XCLIENT', reply);
    }
    await this.#hello(clientHello(attributes) ?? this.#settings.hello);
    this.#told = told;
  }

  /** @throws ChannelError, ReplyError when no reply comes */
  async #ask(text: string): Promise<ServerReply> {
    const [reply] = await this.#channel.exchange(text, 1, this.#settings.commandMs);
    if (reply !== undefined) return reply;
    throw this.#channel.failure ?? new ChannelError('no answer');
  }
}
