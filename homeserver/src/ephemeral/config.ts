// What an operator can set about presence.
import { Type } from 'typebox';

export const presenceConfig = Type.Object({
  enabled: Type.Boolean({
    default: true,
    description: 'Whether people see who else is about; off, everyone is shown as offline.',
  }),
});
