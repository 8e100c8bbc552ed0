// What the operator's command line asks: whoever can read the data folder's secret may make accounts.
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import { operatorAddUser } from '@carillon/protocol/operator.ts';
import type { Accounts } from '../accounts/accounts.ts';
import { addAccount } from '../accounts/add-account.ts';
import { hashToken } from '../accounts/password-hash.ts';

export const operatorRoutes = ({ parts }: Accounts, secret: string): Handler[] => {
  const expected = hashToken(secret);
  return [
    handle(operatorAddUser, async ({ body }) => {
      // Hashes are compared, so the time says nothing about the secret.
      if (!hashToken(body.secret).equals(expected)) throw forbidden('The secret is not the one of this server');
      const { username, password, admin = false } = body;
      return { user_id: await addAccount(parts, { username, password, isAdmin: admin }) };
    }),
  ];
};
