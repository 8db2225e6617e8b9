// What a Shopify app on Node does with a delivery: Shopify's own package verifies it, one insert stores it, then it is acknowledged.
// Two processes, as many as the servers it is measured against.
import cluster from 'node:cluster';

import express from 'express';
import pg from 'pg';
import {shopifyApp} from '@shopify/shopify-app-express';
import {DeliveryMethod, LogSeverity} from '@shopify/shopify-api';

const {PORT, DATABASE_URL, WEBHOOK_SECRET, WEBHOOK_PATH} = process.env;

const INSERT = `
  insert into public.peer_deliveries (webhook_id, topic, shop_domain, api_version, body)
  values ($1, $2, $3, $4, $5)
  on conflict (webhook_id) do nothing`;

function serve() {
  const pool = new pg.Pool({connectionString: DATABASE_URL, max: 20});
  const shopify = shopifyApp({
    api: {
      apiKey: 'key',
      apiSecretKey: WEBHOOK_SECRET,
      apiVersion: '2026-10',
      scopes: [],
      hostScheme: 'https',
      hostName: 'app.example.com',
      isEmbeddedApp: true,
      logger: {level: LogSeverity.Error},
    },
    auth: {path: '/api/auth', callbackPath: '/api/auth/callback'},
    webhooks: {path: WEBHOOK_PATH},
  });
  const store = async (topic, shop, body, webhookId, apiVersion) => {
    await pool.query({name: 'store', text: INSERT, values: [webhookId, topic, shop, apiVersion, body]});
  };
  const webhookHandlers = {
    ORDERS_UPDATED: {deliveryMethod: DeliveryMethod.Http, callbackUrl: WEBHOOK_PATH, callback: store},
  };
  const app = express();
  app.disable('x-powered-by');
  app.post(WEBHOOK_PATH, shopify.processWebhooks({webhookHandlers}));
  app.listen(Number(PORT), '127.0.0.1');
}

if (cluster.isPrimary) {
  for (let worker = 0; worker < 2; worker += 1) cluster.fork();
} else {
  serve();
}
